package org.longhaul.parallel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.longhaul.error.UserError;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.HostBackend;
import org.longhaul.tensor.Tensor;

/** What every communicator must do; run against each implementation. */
abstract class CommunicatorContract {
    private static final int RANKS = 4;

    /** A connected group whose rank r works on {@code backends.get(r)}. */
    abstract List<Communicator> group(List<HostBackend> backends, Duration timeout) throws Exception;

    @Test
    void allReduceSumsInRankOrderOnEveryRank() throws Exception {
        int n = 1003;
        float[][] in = random(RANKS, n);
        float[] expected = new float[n];
        for (int i = 0; i < n; i++) {
            float s = in[0][i];
            for (int r = 1; r < RANKS; r++) {
                s += in[r][i];
            }
            expected[i] = s;
        }
        float[][] out = run((c, b) -> {
            Tensor t = tensor(b, in[c.rank()]);
            c.allReduce(t, ReduceOp.SUM, b.computeStream());
            return floats(b, t);
        });
        for (float[] o : out) {
            assertArrayEquals(expected, o);
        }
    }

    @Test
    void allReduceTakesTheMaximum() throws Exception {
        float[][] out = run((c, b) -> {
            Tensor t = tensor(b, new float[] {c.rank(), -c.rank(), c.rank() == 2 ? 99 : 0});
            c.allReduce(t, ReduceOp.MAX, b.computeStream());
            return floats(b, t);
        });
        for (float[] o : out) {
            assertArrayEquals(new float[] {3, 0, 99}, o);
        }
    }

    @Test
    void reduceScatterInPlaceThenAllGatherInPlaceEqualsAllReduce() throws Exception {
        int n = 64;
        float[][] in = random(RANKS, n * RANKS);
        float[][] out = run((c, b) -> {
            Tensor whole = tensor(b, in[c.rank()]);
            Tensor slice = whole.slice((long) c.rank() * n, (c.rank() + 1L) * n);
            c.reduceScatter(slice, whole, ReduceOp.SUM, b.computeStream());
            c.allGather(whole, slice, b.computeStream());
            Tensor reference = tensor(b, in[c.rank()]);
            c.allReduce(reference, ReduceOp.SUM, b.computeStream());
            assertArrayEquals(floats(b, reference), floats(b, whole));
            return floats(b, whole);
        });
        assertArrayEquals(out[0], out[RANKS - 1]);
    }

    @Test
    void broadcastGivesTheRootsBytes() throws Exception {
        float[][] out = run((c, b) -> {
            Tensor t = tensor(b, new float[] {c.rank(), 10 + c.rank()});
            c.broadcast(t, 2, b.computeStream());
            return floats(b, t);
        });
        for (float[] o : out) {
            assertArrayEquals(new float[] {2, 12}, o);
        }
    }

    @Test
    void crossingSendsAndReceivesDoNotDeadlock() throws Exception {
        float[][] out = run((c, b) -> {
            int next = (c.rank() + 1) % RANKS;
            int previous = (c.rank() + RANKS - 1) % RANKS;
            Tensor mine = tensor(b, new float[] {c.rank()});
            Tensor theirs = tensor(b, new float[] {-1});
            for (int i = 0; i < 5; i++) {
                c.groupStart();
                c.receive(theirs, previous, b.computeStream());
                c.send(mine, next, b.computeStream());
                c.groupEnd();
            }
            c.barrier();
            return floats(b, theirs);
        });
        for (int r = 0; r < RANKS; r++) {
            assertEquals((r + RANKS - 1) % RANKS, out[r][0]);
        }
    }

    @Test
    void bfloat16IsSummedInSinglePrecisionAndRoundedOnce() throws Exception {
        run((c, b) -> {
            Arena arena = b.allocate("x", 256);
            Tensor t = arena.tensor("x", 0, DType.BF16, 1);
            // 1 + 2^-8 + 2^-8 + 2^-8 rounds to 1.015625 once, but stays 1 when rounded after each addition.
            b.bytes(t).putShort(0, (short) (Float.floatToIntBits(c.rank() == 0 ? 1f : 0.00390625f) >>> 16));
            c.allReduce(t, ReduceOp.SUM, b.computeStream());
            assertEquals(1.015625f, Float.intBitsToFloat(b.bytes(t).getShort(0) << 16));
            return new float[0];
        });
    }

    @Test
    void programsThatPartAreNamed() throws Exception {
        ExecutionException e = assertThrows(ExecutionException.class, () -> run((c, b) -> {
            Tensor t = tensor(b, new float[c.rank() == 1 ? 3 : 4]);
            c.allReduce(t, ReduceOp.SUM, b.computeStream());
            return new float[0];
        }));
        assertTrue(e.getCause() instanceof UserError && e.getCause().getMessage().contains("parted"), e.getCause().toString());
    }

    @Test
    void aRankThatStaysAwayIsNamed() throws Exception {
        List<HostBackend> backends = backends();
        List<Communicator> group = group(backends, Duration.ofMillis(700));
        ExecutorService threads = Executors.newFixedThreadPool(RANKS);
        try {
            Future<?> waiting = threads.submit(() -> group.get(0).barrier());
            ExecutionException e = assertThrows(ExecutionException.class, waiting::get);
            assertTrue(e.getCause().getMessage().matches(".*barrier.*rank.*0.*rank.*[123].*"), e.getCause().getMessage());
        } finally {
            threads.shutdownNow();
        }
    }

    private interface Program {
        float[] on(Communicator communicator, HostBackend backend);
    }

    private float[][] run(Program program) throws Exception {
        List<HostBackend> backends = backends();
        List<Communicator> group = group(backends, Duration.ofSeconds(20));
        ExecutorService threads = Executors.newFixedThreadPool(RANKS);
        try {
            List<Future<float[]>> results = new ArrayList<>();
            for (int r = 0; r < RANKS; r++) {
                int rank = r;
                results.add(threads.submit(() -> program.on(group.get(rank), backends.get(rank))));
            }
            float[][] out = new float[RANKS][];
            for (int r = 0; r < RANKS; r++) {
                out[r] = results.get(r).get();
            }
            return out;
        } finally {
            threads.shutdown();
            group.forEach(Communicator::close);
        }
    }

    private static List<HostBackend> backends() {
        List<HostBackend> backends = new ArrayList<>();
        for (int r = 0; r < RANKS; r++) {
            backends.add(new HostBackend());
        }
        return backends;
    }

    private static float[][] random(int ranks, int n) {
        Random random = new Random(7);
        float[][] x = new float[ranks][n];
        for (float[] row : x) {
            for (int i = 0; i < n; i++) {
                row[i] = (float) random.nextGaussian();
            }
        }
        return x;
    }

    private static Tensor tensor(HostBackend b, float[] values) {
        Tensor t = b.allocate("t", Math.max(4, 4L * values.length)).tensor("t", 0, DType.F32, values.length);
        b.bytes(t).asFloatBuffer().put(values);
        return t;
    }

    private static float[] floats(HostBackend b, Tensor t) {
        float[] out = new float[Math.toIntExact(t.elements())];
        b.bytes(t).asFloatBuffer().get(out);
        return out;
    }
}
