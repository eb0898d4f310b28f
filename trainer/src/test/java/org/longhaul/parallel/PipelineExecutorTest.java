package org.longhaul.parallel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.HostBackend;
import org.longhaul.tensor.Tensor;

class PipelineExecutorTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @ParameterizedTest
    @CsvSource({"1,1,4", "2,1,1", "2,1,5", "3,1,7", "4,1,2", "2,2,4", "3,2,6", "2,3,8"})
    void everyMicroBatchMeetsEveryStageBothWays(int ranks, int virtualStages, int microBatches) throws Exception {
        for (boolean ahead : new boolean[] {false, true}) {
            check(inProcess(ranks, virtualStages), virtualStages, microBatches, ahead, 0);
        }
    }

    /**
     * Sends that wait for their receive, as NCCL's do, and hand over what their buffer holds when it comes: no schedule waits in a
     * circle, and nothing writes a buffer that is still under way. {@code -Dlonghaul.pipeline.seed=N} repeats a run.
     */
    @Test
    void noScheduleDeadlocksWhereSendsWaitForTheirReceive() throws Exception {
        long seed = Long.getLong("longhaul.pipeline.seed", System.nanoTime());
        System.out.println("pipeline seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 60; i++) {
            int ranks = 2 + random.nextInt(4);
            int virtualStages = 1 + random.nextInt(3);
            int microBatches = virtualStages == 1 ? 1 + random.nextInt(9) : ranks * (1 + random.nextInt(3));
            check(meeting(ranks, virtualStages), virtualStages, microBatches, random.nextInt(3) > 0, random.nextLong());
        }
    }

    @Test
    void processesOverSocketsAgree() throws Exception {
        SplittableRandom random = new SplittableRandom(11);
        for (int i = 0; i < 4; i++) {
            int ranks = 2 + i % 3;
            int virtualStages = 1 + i % 2;
            check(sockets(ranks, virtualStages), virtualStages, 2 * ranks, i > 0, random.nextLong());
        }
    }

    /** How the ranks of a mesh meet. */
    private interface Meeting {
        MeshGroups groups(int rank, HostBackend backend) throws Exception;

        int ranks();

        default void close() {}
    }

    /** Stage s computes y = x · (s + 2) + 1 with an own weight each; the loss is y; micro-batch m starts from m + 1. */
    private static void check(Meeting meeting, int virtualStages, int microBatches, boolean ahead, long yields) throws Exception {
        int ranks = meeting.ranks();
        int stages = ranks * virtualStages;
        String what = ranks + " ranks, " + virtualStages + " virtual stages, " + microBatches + " micro-batches, ahead " + ahead;
        double[] weightGradients = new double[stages];
        double[] loss = new double[1];
        ExecutorService threads = Executors.newFixedThreadPool(ranks);
        try {
            List<Future<?>> done = new ArrayList<>();
            for (int r = 0; r < ranks; r++) {
                int rank = r;
                done.add(threads.submit(() -> {
                    HostBackend backend = new HostBackend();
                    MeshGroups groups = meeting.groups(rank, backend);
                    List<Scaling> chunks = new ArrayList<>();
                    List<Integer> slots = PipelineSchedule.of(ranks, rank, virtualStages, microBatches).inFlight();
                    SplittableRandom random = new SplittableRandom(yields + rank);
                    for (int c = 0; c < virtualStages; c++) {
                        chunks.add(new Scaling(backend, c * ranks + rank, stages, slots.get(c), weightGradients, loss, yields, random));
                    }
                    try (PipelineExecutor executor = new PipelineExecutor(backend, groups, chunks, microBatches, ahead)) {
                        executor.run();
                        executor.run();
                        backend.synchronize();
                    }
                    chunks.forEach(c -> assertEquals(2, c.completed, what));
                    groups.close();
                    backend.close();
                    return null;
                }));
            }
            for (Future<?> f : done) {
                f.get(2 * PATIENCE.toSeconds(), TimeUnit.SECONDS);
            }
        } finally {
            threads.shutdownNow();
            meeting.close();
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
        assertEquals(expectedLoss, loss[0], 1e-6 * expectedLoss, what);
        for (int s = 0; s < stages; s++) {
            assertEquals(expected[s], weightGradients[s], 1e-6 * expected[s], "stage " + s + " of " + what);
        }
    }

    private static Meeting inProcess(int ranks, int virtualStages) {
        return new Meeting() {
            private List<MeshGroups> groups;
            private final List<HostBackend> here = new ArrayList<>(Collections.nCopies(ranks, null));
            private final CountDownLatch all = new CountDownLatch(ranks);

            @Override
            public MeshGroups groups(int rank, HostBackend backend) throws Exception {
                synchronized (this) {
                    here.set(rank, backend);
                    if (!here.contains(null)) {
                        groups = MeshGroups.inProcess(new Mesh(ranks, 1, 1, virtualStages), here, PATIENCE);
                    }
                }
                all.countDown();
                assertTrue(all.await(PATIENCE.toSeconds(), TimeUnit.SECONDS));
                return groups.get(rank);
            }

            @Override
            public int ranks() {
                return ranks;
            }
        };
    }

    private static Meeting meeting(int ranks, int virtualStages) {
        Map<String, BlockingQueue<RendezvousLink.Offer>> links = new ConcurrentHashMap<>();
        return new Meeting() {
            @Override
            public MeshGroups groups(int rank, HostBackend backend) {
                return MeshGroups.of(new Mesh(ranks, 1, 1, virtualStages), rank, (name, members) -> new RendezvousLink(
                        name, members.indexOf(rank), members.size(), backend, links.computeIfAbsent(name, n -> new LinkedBlockingQueue<>()), PATIENCE));
            }

            @Override
            public int ranks() {
                return ranks;
            }
        };
    }

    private static Meeting sockets(int ranks, int virtualStages) {
        Rendezvous rendezvous = Rendezvous.serve(0, "pipeline");
        return new Meeting() {
            @Override
            public MeshGroups groups(int rank, HostBackend backend) {
                Rendezvous.Client client = new Rendezvous.Client("127.0.0.1", rendezvous.port(), "pipeline", PATIENCE);
                return MeshGroups.of(new Mesh(ranks, 1, 1, virtualStages), rank, (name, members) -> new HostCommunicator(
                        SocketExchange.join(name, members.indexOf(rank), members.size(), client, PATIENCE).withTimeout(PATIENCE), backend));
            }

            @Override
            public int ranks() {
                return ranks;
            }

            @Override
            public void close() {
                rendezvous.close();
            }
        };
    }

    private static final class Scaling implements PipelineExecutor.Stage {
        private final HostBackend backend;
        private final int stage;
        private final int stages;
        private final Tensor[][] buffers;
        private final double[] weightGradients;
        private final double[] loss;
        private final long yields;
        private final SplittableRandom random;
        private int completed;

        Scaling(HostBackend backend, int stage, int stages, int slots, double[] weightGradients, double[] loss, long yields,
                SplittableRandom random) {
            this.yields = yields;
            this.random = random;
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
            dawdle();
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
            dawdle();
            weightGradients[stage] += get(outputGradient(slot)) * get(input(slot));
            put(inputGradient(slot), get(outputGradient(slot)) * (stage + 2));
            completed += lastOfStep ? 1 : 0;
        }

        // Lets other threads run a random number of times, so that every run meets in another order.
        private void dawdle() {
            for (int i = yields == 0 ? 0 : random.nextInt(200); i > 0; i--) {
                Thread.yield();
            }
        }

        private float get(Tensor t) {
            return backend.bytes(t).getFloat(0);
        }

        private void put(Tensor t, float value) {
            backend.bytes(t).putFloat(0, value);
        }
    }
}
