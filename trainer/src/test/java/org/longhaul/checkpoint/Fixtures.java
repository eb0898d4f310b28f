package org.longhaul.checkpoint;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.longhaul.model.Box;
import org.longhaul.model.ModelConfig;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.HostBackend;
import org.longhaul.tensor.Tensor;

/** State whose every element tells its tensor, its global place and its step, so that a misplaced one is seen. */
final class Fixtures {
    static final ModelConfig MODEL = new ModelConfig(2, 16, 4, 2, 32, 40, 8, 10000, 1e-6, 0.006);
    static final HostBackend BACKEND = new HostBackend();
    static final Retention KEEP_ALL = new Retention(Duration.ofMinutes(5), 0, 1000, 0);

    private Fixtures() {}

    static CheckpointMeta meta(long step) {
        return meta(step, SaveKind.EPHEMERAL);
    }

    static CheckpointMeta meta(long step, SaveKind kind) {
        ObjectNode state = new ObjectMapper().createObjectNode();
        state.put("consumed", step * 8);
        return new CheckpointMeta(step, kind, MODEL, "seed: 1\n", Map.of("tokenizer", "abc"), state);
    }

    static float value(String tensor, long index, long step) {
        return (tensor.hashCode() % 1000) * 1e-3f + index * 1e-2f + step;
    }

    /** A filled tensor for a box. */
    static BoxData filled(Box box, DType dtype, long step) {
        BoxData data = empty(box, dtype);
        fill(data, step);
        return data;
    }

    static void fill(BoxData data, long step) {
        ByteBuffer bytes = BACKEND.bytes(data.tensor());
        for (long global : BoxesTest.ordered(data.box())) {
            float v = value(data.box().tensor(), global, step);
            if (data.tensor().dtype() == DType.F32) {
                bytes.putFloat(v);
            } else {
                bytes.putShort(Host.bfloat16(v));
            }
        }
    }

    static BoxData empty(Box box, DType dtype) {
        return new BoxData(box, tensor(box.tensor(), dtype, box.extent()));
    }

    /** A tensor in an arena of its own. */
    static Tensor tensor(String name, DType dtype, long... shape) {
        return BACKEND.allocate(name, Tensor.elements(shape) * dtype.bytes()).tensor(name, 0, dtype, shape);
    }

    static List<BoxData> filled(List<Box> boxes, long step) {
        return boxes.stream().map(b -> filled(b, DType.F32, step)).toList();
    }

    static List<BoxData> empty(List<Box> boxes) {
        return boxes.stream().map(b -> empty(b, DType.F32)).toList();
    }

    /** Places whose value is not what {@link #filled} puts there. */
    static List<String> differences(List<BoxData> data, long step) {
        List<String> wrong = new ArrayList<>();
        for (BoxData d : data) {
            ByteBuffer bytes = BACKEND.bytes(d.tensor());
            for (long global : BoxesTest.ordered(d.box())) {
                float got = d.tensor().dtype() == DType.F32 ? bytes.getFloat() : Host.toFloat(bytes.getShort());
                float want = value(d.box().tensor(), global, step);
                float expected = d.tensor().dtype() == DType.F32 ? want : Host.toFloat(Host.bfloat16(want));
                if (Float.compare(expected, got) != 0) {
                    wrong.add(d.box() + " element " + global + ": " + got + " for " + expected);
                }
            }
        }
        return wrong;
    }

    static List<Box> wholeState() {
        List<Box> boxes = new ArrayList<>();
        for (String suffix : List.of("", ".exp_avg", ".exp_avg_sq")) {
            boxes.add(Box.whole("model.embed_tokens.weight" + suffix, 40, 16));
            boxes.add(Box.whole("model.layers.0.self_attn.q_proj.weight" + suffix, 16, 16));
            boxes.add(Box.whole("model.layers.0.mlp.down_proj.weight" + suffix, 16, 32));
            boxes.add(Box.whole("model.norm.weight" + suffix, 16));
        }
        return boxes;
    }

    /** Saves one step with one rank and waits for the commit. */
    static SaveStats save(CheckpointStore store, long step) {
        return save(store, meta(step), filled(wholeState(), step), KEEP_ALL);
    }

    static SaveStats save(CheckpointStore store, CheckpointMeta meta, List<BoxData> data, Retention retention) {
        try (CheckpointSaver saver = new CheckpointSaver(store, BACKEND, retention)) {
            saver.save(meta, data);
            saver.await();
            return saver.stats();
        }
    }

}
