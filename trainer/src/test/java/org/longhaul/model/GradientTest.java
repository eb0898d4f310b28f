package org.longhaul.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.Communicator;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Host;

/** Loss and every parameter's gradient of the explicit backward against autograd, and all recompute levels against none. */
class GradientTest {
    @ParameterizedTest
    @CsvSource({
        // layers, dModel, heads, kvHeads, ffn, vocab, batch, sequence, microBatches, lossChunk, zLoss
        "2, 32, 4, 4, 48, 61, 2, 16, 1, 32, 0",
        "2, 32, 4, 2, 48, 61, 2, 16, 2, 7, 0",
        "3, 48, 6, 1, 32, 100, 1, 33, 3, 10, 0.001",
        "1, 16, 1, 1, 8, 5, 3, 5, 1, 100, 0",
        "2, 64, 8, 8, 172, 257, 4, 40, 2, 64, 0.0001",
    })
    void everyGradientEqualsAutograd(
            int layers, int dModel, int heads, int kvHeads, int ffn, int vocab, int batch, int sequence, int microBatches,
            long lossChunk, double zLoss) {
        ModelConfig config =
                new ModelConfig(layers, dModel, heads, kvHeads, ffn, vocab, sequence, 10000, 1e-6, 0.15);
        SplittableRandom random = new SplittableRandom(7);
        List<int[]> tokens = new ArrayList<>();
        List<int[]> targets = new ArrayList<>();
        for (int i = 0; i < microBatches; i++) {
            tokens.add(random.ints((long) batch * sequence, 0, vocab).toArray());
            targets.add(random.ints((long) batch * sequence, 0, vocab).toArray());
            targets.get(i)[0] = LossHead.IGNORE;
        }
        double scale = 1.0 / (microBatches * batch * sequence);
        Map<String, float[]> none = null;
        for (Recompute recompute : Recompute.values()) {
            try (Backend backend = new CpuBackend(1);
                    ParameterStore store = new ParameterStore(backend, ParameterLayout.single(config), Communicator.single("data"), true)) {
                store.initialise(11);
                unevenNorms(backend, store);
                ModelStage.Options options = new ModelStage.Options(recompute, 1, lossChunk, zLoss, true);
                try (ModelStage stage = new ModelStage(backend, store, batch, sequence, options, Communicator.single("tensor"))) {
                    Host.put(backend, stage.gradientScale(), (float) scale);
                    for (int i = 0; i < microBatches; i++) {
                        Host.put(backend, stage.tokens(0), tokens.get(i));
                        Host.put(backend, stage.targets(0), targets.get(i));
                        stage.forward(0);
                        stage.backward(0, i == 0, bucket -> {});
                    }
                    double loss = Host.floats(backend, stage.lossSum())[0] * scale;
                    double z = zLoss * Host.floats(backend, stage.zLossSum())[0] * scale;
                    Map<String, float[]> gradients = new LinkedHashMap<>();
                    for (ParameterSpec spec : store.layout().parameters()) {
                        gradients.put(spec.name(), Host.floats(backend, store.gradient(spec.name())));
                    }
                    if (none == null) {
                        none = gradients;
                        compare(config, backend, store, tokens, targets, sequence, scale, zLoss, loss + z, gradients);
                    } else {
                        Map<String, float[]> expected = none;
                        gradients.forEach((name, values) ->
                                assertArrayEquals(expected.get(name), values, recompute + " changes " + name));
                    }
                }
            }
        }
    }

    private static void compare(
            ModelConfig config, Backend backend, ParameterStore store, List<int[]> tokens, List<int[]> targets, int sequence,
            double scale, double zLoss, double loss, Map<String, float[]> gradients) {
        Map<String, float[]> weights = new LinkedHashMap<>();
        Map<String, long[]> shapes = new LinkedHashMap<>();
        for (ParameterSpec spec : store.layout().parameters()) {
            weights.put(spec.name(), Host.floats(backend, store.weight(spec.name())));
            shapes.put(spec.name(), spec.shape());
        }
        try (AutogradModel oracle = new AutogradModel(config, weights, shapes)) {
            double want = oracle.lossAndGradients(tokens, targets, sequence, scale, zLoss);
            assertEquals(want, loss, 1e-5 * want, "loss");
            gradients.forEach((name, got) -> {
                double[] expected = oracle.gradient(name);
                double largest = 0;
                double error = 0;
                for (int i = 0; i < got.length; i++) {
                    largest = Math.max(largest, Math.abs(expected[i]));
                    error = Math.max(error, Math.abs(expected[i] - got[i]));
                }
                assertTrue(Double.isFinite(largest), name + ": the oracle's gradient is not finite");
                assertTrue(largest > 0, name + " has no gradient");
                assertTrue(error <= 1e-5 * largest, name + " differs by " + error / largest + " of its largest gradient");
            });
        }
    }

    private static void unevenNorms(Backend backend, ParameterStore store) {
        SplittableRandom random = new SplittableRandom(3);
        for (ParameterSpec spec : store.layout().parameters()) {
            if (spec.ones()) {
                float[] values = new float[(int) spec.elements()];
                for (int i = 0; i < values.length; i++) {
                    values[i] = (float) (0.5 + random.nextDouble());
                }
                Host.put(backend, store.weight(spec.name()), values);
            }
        }
    }
}
