package org.longhaul.interchange;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.longhaul.checkpoint.BoxData;
import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.checkpoint.StateBoxes;
import org.longhaul.checkpoint.StreamedBox;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.model.ModelConfig;
import org.longhaul.model.ModelStage;
import org.longhaul.model.ParameterLayout;
import org.longhaul.model.ParameterStore;
import org.longhaul.model.Recompute;
import org.longhaul.model.StageRange;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.Communicator;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/**
 * Runs the decoder on the CPU in F32 with a checkpoint's weights and with those read back from an exported folder, and compares
 * the logits of the same tokens.
 */
final class ExportCheck {
    private static final int TOKENS = 32;
    private static final int PIECE = 1 << 20;

    private ExportCheck() {}

    /**
     * How the logits compare.
     *
     * @param maxDifference largest difference between the folder's and those of the checkpoint's weights in the folder's element type: 0 for a
     *     sound folder
     * @param rounding largest difference that the element type makes
     * @param maxLogit the largest logit, for scale
     */
    record Result(double maxDifference, double rounding, double maxLogit) {}

    /** Layer by layer, each loaded from both sides in turn, so that a model larger than memory can be compared. */
    static Result compare(Checkpoint checkpoint, HfFolder folder) {
        ModelConfig model = checkpoint.meta().model();
        int n = Math.min(TOKENS, model.context());
        int[] tokens = new int[n];
        for (int i = 0; i < n; i++) {
            // Spread over the whole vocabulary.
            tokens[i] = (int) ((i * 2654435761L + 1) % model.vocab());
        }
        boolean rounds = folder.stores(DType.BF16);
        float[] exact = null;
        float[] before = null;
        float[] after = null;
        try (Backend cpu = new CpuBackend()) {
            for (int layer = 0; layer < model.layers(); layer++) {
                ParameterLayout layout = new ParameterLayout(model, StageRange.of(model, layer, model.layers()), 0, 1, 1);
                try (ParameterStore parameters = new ParameterStore(cpu, layout, Communicator.single("data"), false);
                        ModelStage stage = new ModelStage(cpu, parameters, 1, n, new ModelStage.Options(Recompute.NONE, 1, n, 0, false),
                                Communicator.single("tensor"))) {
                    checkpoint.load(cpu, StateBoxes.weights(parameters));
                    exact = through(cpu, stage, tokens, exact);
                    if (rounds) {
                        round(cpu, parameters.weights());
                    }
                    before = through(cpu, stage, tokens, before);
                    load(cpu, parameters, folder);
                    after = through(cpu, stage, tokens, after);
                }
            }
        }
        double largest = 0;
        for (float logit : exact) {
            largest = Math.max(largest, Math.abs(logit));
        }
        return new Result(apart(before, after), apart(exact, before), largest);
    }

    private static double apart(float[] a, float[] b) {
        double difference = 0;
        for (int i = 0; i < a.length; i++) {
            double d = Math.abs((double) a[i] - b[i]);
            // No number is as far apart as can be.
            if (!(d <= difference)) {
                difference = Double.isNaN(d) ? Double.POSITIVE_INFINITY : d;
            }
        }
        return difference;
    }

    // To bf16 and back, piece by piece.
    private static void round(Backend backend, Tensor weights) {
        for (long from = 0; from < weights.elements(); from += PIECE) {
            Tensor piece = weights.slice(from, Math.min(weights.elements(), from + PIECE));
            float[] values = Host.floats(backend, piece);
            for (int i = 0; i < values.length; i++) {
                values[i] = Host.toFloat(Host.bfloat16(values[i]));
            }
            Host.put(backend, piece, values);
        }
    }

    // A stage's boundary activations [n,D], or the last one's logits [n,V]; the first starts from tokens.
    private static float[] through(Backend backend, ModelStage stage, int[] tokens, float[] input) {
        if (input == null) {
            Host.put(backend, stage.tokens(0), tokens);
        } else {
            Host.put(backend, stage.input(0), input);
        }
        stage.forward(0);
        boolean last = stage.parameters().layout().stage().last();
        return Host.floats(backend, last ? stage.logits(0, 0, tokens.length) : stage.output(0));
    }

    /** Fills a store of weights from a folder. */
    static void load(Backend backend, ParameterStore parameters, HfFolder folder) {
        List<StreamedBox> sources = folder.weights(parameters.weights().dtype());
        List<BoxData> targets = new ArrayList<>(StateBoxes.weights(parameters));
        for (StreamedBox source : sources) {
            Optional<BoxData> wanted = targets.stream().filter(t -> t.box().equals(source.box())).findFirst();
            if (wanted.isEmpty()) {
                // Of another layer than these parameters'.
                continue;
            }
            Tensor target = wanted.get().tensor();
            int size = target.dtype().bytes();
            long[] at = {0};
            try {
                source.source().stream(bytes -> {
                    int elements = bytes.remaining() / size;
                    backend.upload(target.slice(at[0], at[0] + elements), bytes);
                    at[0] += elements;
                });
            } catch (IOException e) {
                throw UserError.environment("cannot read " + source.box().tensor() + ": " + Reason.of(e), e);
            }
        }
    }
}
