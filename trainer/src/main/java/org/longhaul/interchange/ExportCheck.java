package org.longhaul.interchange;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.longhaul.checkpoint.BoxData;
import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.checkpoint.StateBoxes;
import org.longhaul.checkpoint.StreamedBox;
import org.longhaul.error.UserError;
import org.longhaul.model.ModelConfig;
import org.longhaul.model.ModelStage;
import org.longhaul.model.ParameterLayout;
import org.longhaul.model.ParameterStore;
import org.longhaul.model.Recompute;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.Communicator;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/**
 * Runs the decoder on the CPU in F32 with a checkpoint's weights and with those read back from an exported folder, and compares
 * the logits of the same tokens.
 */
final class ExportCheck {
    private static final int TOKENS = 32;

    private ExportCheck() {}

    /** The largest difference of any logit, and the largest logit for scale. */
    record Result(double maxDifference, double maxLogit) {}

    static Result compare(Checkpoint checkpoint, HfFolder folder) {
        ModelConfig model = checkpoint.meta().model();
        int n = Math.min(TOKENS, model.context());
        try (Backend cpu = new CpuBackend();
                ParameterStore parameters = new ParameterStore(cpu, ParameterLayout.single(model), Communicator.single("data"), false);
                ModelStage stage = new ModelStage(cpu, parameters, 1, n, new ModelStage.Options(Recompute.NONE, 1, n, 0, false),
                        Communicator.single("tensor"))) {
            int[] tokens = new int[n];
            for (int i = 0; i < n; i++) {
                // Spread over the whole vocabulary.
                tokens[i] = (int) ((i * 2654435761L + 1) % model.vocab());
            }
            checkpoint.load(cpu, StateBoxes.weights(parameters));
            float[] before = logits(cpu, stage, tokens);
            load(cpu, parameters, folder);
            float[] after = logits(cpu, stage, tokens);
            double difference = 0;
            double largest = 0;
            for (int i = 0; i < before.length; i++) {
                double d = Math.abs((double) before[i] - after[i]);
                if (!(d <= difference)) {
                    difference = d;
                }
                largest = Math.max(largest, Math.abs(before[i]));
            }
            return new Result(difference, largest);
        }
    }

    /** Fills a store of weights from a folder. */
    static void load(Backend backend, ParameterStore parameters, HfFolder folder) {
        List<StreamedBox> sources = folder.weights(parameters.weights().dtype());
        List<BoxData> targets = new ArrayList<>(StateBoxes.weights(parameters));
        for (StreamedBox source : sources) {
            Tensor target = targets.stream().filter(t -> t.box().equals(source.box())).findFirst().orElseThrow().tensor();
            int size = target.dtype().bytes();
            long[] at = {0};
            try {
                source.source().stream(bytes -> {
                    int elements = bytes.remaining() / size;
                    backend.upload(target.slice(at[0], at[0] + elements), bytes);
                    at[0] += elements;
                });
            } catch (IOException e) {
                throw UserError.environment("cannot read " + source.box().tensor() + ": " + e.getMessage(), e);
            }
        }
    }

    private static float[] logits(Backend backend, ModelStage stage, int[] tokens) {
        Host.put(backend, stage.tokens(0), tokens);
        stage.forward(0);
        return Host.floats(backend, stage.logits(0, 0, tokens.length));
    }
}
