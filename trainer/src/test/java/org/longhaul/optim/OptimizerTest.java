package org.longhaul.optim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.longhaul.model.ModelConfig;
import org.longhaul.model.ParameterLayout;
import org.longhaul.model.ParameterSpec;
import org.longhaul.model.ParameterStore;
import org.longhaul.model.StageRange;
import org.longhaul.natives.CpuBackend;
import org.longhaul.optim.OptimizerConfig.Moments;
import org.longhaul.parallel.Communicator;
import org.longhaul.parallel.HostCommunicator;
import org.longhaul.parallel.ShardedArena.Part;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/** What the optimizer does to a model's parameters, against the formulas in double. */
class OptimizerTest {
    private static final ModelConfig MODEL = new ModelConfig(2, 32, 4, 2, 48, 60, 16, 10000, 1e-6, 0.02);
    private static final double CLIP = 0.75;
    private static final double DECAY = 0.3;
    private static final double RATE = 0.01;
    private static final OptimizerConfig CONFIG = new OptimizerConfig(0.9, 0.95, 1e-8, DECAY, CLIP, Moments.F32);

    /** Matrices decay, norm weights do not, and the gradient of all of them is clipped by one norm. */
    @Test
    void everyParameterTakesAClippedStepAndMatricesDecay() {
        try (Backend backend = new CpuBackend(1);
                ParameterStore store = new ParameterStore(backend, ParameterLayout.single(MODEL), Communicator.single("data"), true);
                Optimizer optimizer = new Optimizer(backend, List.of(store), CONFIG, Communicator.single("tensor"));
                Arena arena = backend.allocate("sum", Arena.ALIGNMENT)) {
            store.initialise(3);
            int n = Math.toIntExact(store.gradients().elements());
            double[] weights = doubles(Host.floats(backend, store.weights()));
            double[] first = new double[n];
            double[] second = new double[n];
            for (int step = 1; step <= 3; step++) {
                // The first is small enough to stay as it is.
                double[] gradients = fill(backend, store, step, step == 1 ? 1e-4 : 1);
                double norm = Math.sqrt(squares(gradients));
                double factor = step == 1 ? 1 : CLIP / norm;
                Tensor sum = arena.tensor("sum", 0, DType.F32, 1);
                backend.zero(sum);
                optimizer.addSumOfSquares(sum);
                float[] clip = Host.floats(backend, optimizer.clip(sum));
                assertEquals(norm, clip[1], 1e-5 * norm);
                assertEquals(factor, clip[0], 1e-5 * factor);
                optimizer.step(RATE, step);
                float[] got = Host.floats(backend, store.weights());
                for (ParameterSpec spec : store.layout().parameters()) {
                    int from = Math.toIntExact(store.layout().offset(store.layout().index(spec.name())));
                    double decay = spec.shape().length == 1 ? 0 : DECAY;
                    for (int i = from; i < from + spec.elements(); i++) {
                        double g = gradients[i] * factor;
                        first[i] = 0.9 * first[i] + 0.1 * g;
                        second[i] = 0.95 * second[i] + 0.05 * g * g;
                        double update = first[i] / (1 - Math.pow(0.9, step)) / (Math.sqrt(second[i] / (1 - Math.pow(0.95, step))) + 1e-8);
                        weights[i] -= RATE * (update + decay * weights[i]);
                        assertEquals(weights[i], got[i], 2e-6, "step " + step + ", " + spec.name());
                    }
                }
            }
        }
    }

    /** Over all ranks of a layout each gradient counts once, norm weights too, which every tensor-parallel rank holds. */
    @Test
    void everyGradientCountsOnceWhateverTheLayout() {
        try (Backend backend = new CpuBackend(1)) {
            for (int data : new int[] {1, 3}) {
                List<Communicator> dataGroup = HostCommunicator.inProcess("data", Collections.nCopies(data, backend), Duration.ofSeconds(5));
                List<Communicator> tensorGroup = HostCommunicator.inProcess("tensor", Collections.nCopies(2, backend), Duration.ofSeconds(5));
                double measured = 0;
                double expected = 0;
                for (int t = 0; t < 2; t++) {
                    for (int d = 0; d < data; d++) {
                        ParameterLayout layout = new ParameterLayout(MODEL, StageRange.whole(MODEL), t, 2, data);
                        try (ParameterStore store = new ParameterStore(backend, layout, dataGroup.get(d), true);
                                Optimizer optimizer = new Optimizer(backend, List.of(store), CONFIG, tensorGroup.get(t));
                                Arena arena = backend.allocate("sum", Arena.ALIGNMENT)) {
                            // Summed over the data-parallel ranks already: the same on each of them.
                            double[] gradients = fill(backend, store, t, 1);
                            Tensor sum = arena.tensor("sum", 0, DType.F32, 1);
                            backend.zero(sum);
                            optimizer.addSumOfSquares(sum);
                            measured += Host.floats(backend, sum)[0];
                            int counted = Math.toIntExact(t == 0 ? layout.elements() : layout.decayed());
                            expected += d > 0 ? 0 : squares(Arrays.copyOf(gradients, counted));
                        }
                    }
                }
                assertEquals(expected, measured, 1e-5 * expected, data + " data-parallel ranks");
            }
        }
    }

    /** Nothing but the owned parts of the weights changes. */
    @Test
    void aRankUpdatesWhatItOwns() {
        try (Backend backend = new CpuBackend(1)) {
            List<Communicator> group = HostCommunicator.inProcess("data", Collections.nCopies(2, backend), Duration.ofSeconds(5));
            for (int rank = 0; rank < 2; rank++) {
                try (ParameterStore store = new ParameterStore(
                                backend, new ParameterLayout(MODEL, StageRange.whole(MODEL), 0, 1, 2), group.get(rank), true);
                        Optimizer optimizer = new Optimizer(backend, List.of(store), CONFIG, Communicator.single("tensor"));
                        Arena arena = backend.allocate("sum", Arena.ALIGNMENT)) {
                    store.initialise(3);
                    fill(backend, store, 1, 1);
                    float[] before = Host.floats(backend, store.weights());
                    Tensor sum = arena.tensor("sum", 0, DType.F32, 1);
                    Host.put(backend, sum, 1f);
                    optimizer.clip(sum);
                    optimizer.step(RATE, 1);
                    float[] after = Host.floats(backend, store.weights());
                    boolean[] mine = new boolean[after.length];
                    for (Part part : store.shards().owned()) {
                        Arrays.fill(mine, (int) part.from(), (int) part.to(), true);
                    }
                    for (int i = 0; i < after.length; i++) {
                        // Every gradient is some way from 0, so every owned weight moves by about the rate.
                        assertTrue(mine[i] == (before[i] != after[i]), "rank " + rank + ", element " + i);
                    }
                }
            }
        }
    }

    // Of random sign and a size between half and once the scale, padding included.
    private static double[] fill(Backend backend, ParameterStore store, int seed, double scale) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[Math.toIntExact(store.gradients().elements())];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (scale * (0.5 + random.nextDouble() / 2) * (random.nextBoolean() ? 1 : -1));
        }
        Host.put(backend, store.gradients(), values);
        return doubles(values);
    }

    private static double squares(double[] values) {
        return Arrays.stream(values).map(v -> v * v).sum();
    }

    private static double[] doubles(float[] values) {
        return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
    }
}
