package org.longhaul.checkpoint;

import java.util.ArrayList;
import java.util.List;
import org.longhaul.model.Box;
import org.longhaul.model.ParameterSpec;
import org.longhaul.tensor.Tensor;

/**
 * A box of a global tensor and the device memory that holds it, dense and row-major: what a rank saves, or wants loaded.
 *
 * @param box which part of which named tensor
 * @param tensor as many elements as the box; F32 or BF16 (a load converts between the two)
 */
public record BoxData(Box box, Tensor tensor) {
    /** Checks that both sides have as many elements. */
    public BoxData {
        if (box.elements() != tensor.elements()) {
            throw new IllegalArgumentException(box + " has " + box.elements() + " elements, " + tensor + " has " + tensor.elements());
        }
    }

    /** A rank's whole local parameter buffer as boxes of the global tensors it holds; {@code suffix} such as {@code .exp_avg}. */
    public static List<BoxData> of(ParameterSpec spec, String suffix, Tensor buffer) {
        return range(spec, suffix, 0, spec.elements(), buffer);
    }

    /**
     * A ZeRO-1 shard: elements {@code from} (inclusive) to {@code to} (exclusive) of the local parameter buffer, held by
     * {@code shard} from its first element on.
     */
    public static List<BoxData> range(ParameterSpec spec, String suffix, long from, long to, Tensor shard) {
        List<BoxData> out = new ArrayList<>();
        for (Boxes.Piece p : Boxes.flatRange(spec.boxes(), from, to)) {
            Box b = p.box();
            Box named = new Box(b.tensor() + suffix, b.globalShape(), b.offset(), b.extent());
            out.add(new BoxData(named, shard.slice(p.start() - from, p.start() - from + b.elements())));
        }
        return out;
    }
}
