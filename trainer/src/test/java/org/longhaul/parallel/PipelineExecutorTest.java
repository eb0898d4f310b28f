package org.longhaul.parallel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.HostBackend;
import org.longhaul.tensor.Tensor;

class PipelineExecutorTest {
    /** Stage s computes y = x · (s + 2) + 1 with an own weight each; the loss is y; micro-batch m starts from m + 1. */
    @ParameterizedTest
    @CsvSource({"1,1,4", "2,1,1", "2,1,5", "3,1,7", "4,1,2", "2,2,4", "3,2,6", "2,3,8"})
    void everyMicroBatchMeetsEveryStageBothWays(int ranks, int virtualStages, int microBatches) throws Exception {
        Mesh mesh = new Mesh(ranks, 1, 1, virtualStages);
        List<HostBackend> backends = new ArrayList<>();
        for (int r = 0; r < ranks; r++) {
            backends.add(new HostBackend());
        }
        List<MeshGroups> groups = MeshGroups.inProcess(mesh, backends, Duration.ofSeconds(20));
        int stages = ranks * virtualStages;
        double[] weightGradients = new double[stages];
        double[] loss = new double[1];
        ExecutorService threads = Executors.newFixedThreadPool(ranks);
        try {
            List<Future<?>> done = new ArrayList<>();
            for (int r = 0; r < ranks; r++) {
                int rank = r;
                done.add(threads.submit(() -> {
                    List<Scaling> chunks = new ArrayList<>();
                    List<Integer> slots = PipelineSchedule.of(ranks, rank, virtualStages, microBatches).inFlight();
                    for (int c = 0; c < virtualStages; c++) {
                        chunks.add(new Scaling(backends.get(rank), c * ranks + rank, stages, slots.get(c), weightGradients, loss));
                    }
                    PipelineExecutor executor = new PipelineExecutor(backends.get(rank), groups.get(rank), chunks, microBatches);
                    executor.run();
                    executor.run();
                    chunks.forEach(c -> assertEquals(2, c.completed));
                }));
            }
            for (Future<?> f : done) {
                f.get();
            }
        } finally {
            threads.shutdown();
        }
        double expectedLoss = 0;
        double[] expected = new double[stages];
        for (int m = 0; m < microBatches; m++) {
            double[] x = new double[stages + 1];
            x[0] = m + 1;
            for (int s = 0; s < stages; s++) {
                x[s + 1] = x[s] * (s + 2) + 1;
            }
            expectedLoss += 2 * x[stages];
            double g = 1;
            for (int s = stages - 1; s >= 0; s--) {
                expected[s] += 2 * g * x[s];
                g *= s + 2;
            }
        }
        assertEquals(expectedLoss, loss[0], 1e-6 * expectedLoss);
        for (int s = 0; s < stages; s++) {
            assertEquals(expected[s], weightGradients[s], 1e-6 * expected[s], "stage " + s);
        }
    }

    private static final class Scaling implements PipelineExecutor.Stage {
        private final HostBackend backend;
        private final int stage;
        private final int stages;
        private final Tensor[][] buffers;
        private final double[] weightGradients;
        private final double[] loss;
        private int completed;

        Scaling(HostBackend backend, int stage, int stages, int slots, double[] weightGradients, double[] loss) {
            this.backend = backend;
            this.stage = stage;
            this.stages = stages;
            this.weightGradients = weightGradients;
            this.loss = loss;
            this.buffers = new Tensor[4][slots];
            for (Tensor[] kind : buffers) {
                for (int s = 0; s < slots; s++) {
                    kind[s] = backend.allocate("x", 4).tensor("x", 0, DType.F32, 1);
                }
            }
        }

        @Override
        public int slots() {
            return buffers[0].length;
        }

        @Override
        public boolean first() {
            return stage == 0;
        }

        @Override
        public boolean last() {
            return stage == stages - 1;
        }

        @Override
        public Tensor input(int slot) {
            return buffers[0][slot];
        }

        @Override
        public Tensor output(int slot) {
            return buffers[1][slot];
        }

        @Override
        public Tensor outputGradient(int slot) {
            return buffers[2][slot];
        }

        @Override
        public Tensor inputGradient(int slot) {
            return buffers[3][slot];
        }

        @Override
        public void forward(int microBatch, int slot) {
            if (first()) {
                put(input(slot), microBatch + 1);
            }
            put(output(slot), get(input(slot)) * (stage + 2) + 1);
            if (last()) {
                loss[0] += get(output(slot));
                put(outputGradient(slot), 1);
            }
        }

        @Override
        public void backward(int microBatch, int slot, boolean lastOfStep) {
            weightGradients[stage] += get(outputGradient(slot)) * get(input(slot));
            put(inputGradient(slot), get(outputGradient(slot)) * (stage + 2));
            completed += lastOfStep ? 1 : 0;
        }

        private float get(Tensor t) {
            return backend.bytes(t).getFloat(0);
        }

        private void put(Tensor t, float value) {
            backend.bytes(t).putFloat(0, value);
        }
    }
}
