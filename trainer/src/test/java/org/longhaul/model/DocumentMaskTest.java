package org.longhaul.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.longhaul.natives.CpuBackend;
import org.longhaul.ops.cuda.DocumentStarts;
import org.longhaul.parallel.Communicator;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Host;

/** Loss and gradients of packed sequences whose documents are kept apart are those of the documents run alone, each from position 0. */
class DocumentMaskTest {
    private static final double BOUND = 1e-6;

    private record Batch(int[] tokens, int[] targets, int[] starts) {}

    private record Result(double loss, Map<String, float[]> gradients) {}

    @ParameterizedTest
    @CsvSource({
        // heads, kvHeads, batch, sequence, longest document, seed
        "4, 4, 2, 24, 9, 1", "4, 2, 3, 24, 24, 2", "4, 1, 1, 65, 1, 3", "8, 2, 2, 40, 80, 4", "1, 1, 4, 17, 5, 5", "2, 2, 2, 129, 40, 6"
    })
    void packedIsTheSumOfItsDocuments(int heads, int kvHeads, int batch, int sequence, int longest, long seed) {
        ModelConfig config = new ModelConfig(2, 32, heads, kvHeads, 48, 61, sequence, 10000, 1e-6, 0.15);
        Random random = new Random(seed);
        int n = batch * sequence;
        Batch packed = new Batch(
                random.ints(n, 0, 61).toArray(), random.ints(n, 0, 61).toArray(), DocumentStarts.random(random, batch, sequence, longest));
        Result alone = alone(config, packed);
        for (Recompute recompute : Recompute.values()) {
            Result got = packed(config, packed, batch, sequence, recompute);
            assertEquals(alone.loss, got.loss, BOUND * alone.loss, recompute + ", seed " + seed);
            alone.gradients.forEach((name, expected) -> {
                double difference = 0;
                double norm = 0;
                for (int i = 0; i < expected.length; i++) {
                    difference += Math.pow((double) got.gradients.get(name)[i] - expected[i], 2);
                    norm += Math.pow(expected[i], 2);
                }
                double error = Math.sqrt(difference / norm);
                assertTrue(error <= BOUND, name + " differs by " + error + " of its norm with " + recompute + ", seed " + seed);
            });
        }
    }

    private static Result packed(ModelConfig config, Batch b, int batch, int sequence, Recompute recompute) {
        ModelStage.Options options = new ModelStage.Options(recompute, 1, 16, 0, true).masking(true);
        try (Backend backend = new CpuBackend(1);
                ParameterStore store = store(backend, config);
                ModelStage stage = new ModelStage(backend, store, batch, sequence, options, Communicator.single("tensor"))) {
            Host.put(backend, stage.gradientScale(), 1f / b.tokens.length);
            run(backend, stage, b, true);
            return result(backend, store, Host.floats(backend, stage.lossSum())[0] / b.tokens.length);
        }
    }

    private static Result alone(ModelConfig config, Batch b) {
        ModelStage.Options options = new ModelStage.Options(Recompute.NONE, 1, 16, 0, true);
        Map<Integer, ModelStage> stages = new HashMap<>();
        try (Backend backend = new CpuBackend(1); ParameterStore store = store(backend, config)) {
            double loss = 0;
            for (int from = 0; from < b.tokens.length; ) {
                int to = from + 1;
                while (to < b.tokens.length && b.starts[to] != to % config.context()) {
                    to++;
                }
                ModelStage stage = stages.computeIfAbsent(
                        to - from, length -> new ModelStage(backend, store, 1, length, options, Communicator.single("tensor")));
                Host.put(backend, stage.gradientScale(), 1f / b.tokens.length);
                backend.zero(stage.lossSum());
                Batch one = new Batch(Arrays.copyOfRange(b.tokens, from, to), Arrays.copyOfRange(b.targets, from, to), null);
                run(backend, stage, one, from == 0);
                loss += Host.floats(backend, stage.lossSum())[0];
                from = to;
            }
            Result result = result(backend, store, loss / b.tokens.length);
            stages.values().forEach(ModelStage::close);
            return result;
        }
    }

    private static ParameterStore store(Backend backend, ModelConfig config) {
        ParameterStore store = new ParameterStore(backend, ParameterLayout.single(config), Communicator.single("data"), true);
        store.initialise(11);
        return store;
    }

    private static void run(Backend backend, ModelStage stage, Batch b, boolean first) {
        Host.put(backend, stage.tokens(0), b.tokens);
        Host.put(backend, stage.targets(0), b.targets);
        if (b.starts != null) {
            Host.put(backend, stage.documents(0), DocumentStarts.index(stage.documentIndex().shape(), b.starts));
        }
        stage.forward(0);
        stage.backward(0, first, bucket -> {});
    }

    private static Result result(Backend backend, ParameterStore store, double loss) {
        Map<String, float[]> gradients = new LinkedHashMap<>();
        for (ParameterSpec spec : store.layout().parameters()) {
            gradients.put(spec.name(), Host.floats(backend, store.gradient(spec.name())));
        }
        return new Result(loss, gradients);
    }
}
