package org.longhaul.train;

import org.longhaul.checkpoint.SaveSchedule.Wish;
import org.longhaul.parallel.Communicator;
import org.longhaul.parallel.ReduceOp;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/**
 * The few numbers of a step on the device: sums over all ranks, and a ring of the last steps' results that the host reads only
 * when it needs to, so that the step itself never waits for the host.
 */
final class StepScalars implements AutoCloseable {
    private static final int COLUMNS = 7;
    private static final Wish[] WISHES = Wish.values();

    private final Backend backend;
    private final Communicator world;
    private final Arena arena;
    private final Tensor sums;
    private final Tensor lossSum;
    private final Tensor sumSquares;
    private final Tensor wishes;
    private final Tensor ring;
    private final Tensor[] ringSums;
    private final Tensor[] ringClip;
    private int held;

    /**
     * One step's results.
     *
     * @param lossSum sum of token losses over the global batch, nats
     * @param clip factor that the gradients were multiplied with
     * @param norm global gradient norm before clipping
     * @param finite whether norm is a number
     * @param stop whether a rank was asked to stop
     * @param save what rank 0 wishes of the next look
     */
    record Result(double lossSum, double clip, double norm, boolean finite, boolean stop, Wish save) {}

    StepScalars(Backend backend, Communicator world, int steps) {
        this.backend = backend;
        this.world = world;
        this.arena = backend.allocate("step results", Arena.ALIGNMENT + Arena.align(4L * COLUMNS * steps));
        this.sums = arena.tensor("step sums", 0, DType.F32, 4);
        this.lossSum = sums.slice(0, 1);
        this.sumSquares = sums.slice(1, 2);
        this.wishes = sums.slice(2, 4);
        this.ring = arena.tensor("step results", Arena.ALIGNMENT, DType.F32, steps, COLUMNS);
        this.ringSums = new Tensor[steps];
        this.ringClip = new Tensor[steps];
        for (int i = 0; i < steps; i++) {
            ringSums[i] = ring.slice((long) i * COLUMNS, (long) i * COLUMNS + 4);
            ringClip[i] = ring.slice((long) i * COLUMNS + 4, (long) i * COLUMNS + 7);
        }
    }

    void begin() {
        backend.zero(sums);
    }

    Tensor lossSum() {
        return lossSum;
    }

    Tensor sumSquares() {
        return sumSquares;
    }

    /** Lets all ranks know, with the step's sums, that this one was asked to stop, or what it wishes as rank 0; the others wish nothing. */
    void wish(boolean stop, Wish save) {
        if (stop || save != Wish.NONE) {
            Host.put(backend, wishes, stop ? 1f : 0f, save.ordinal());
        }
    }

    /** Sums the numbers over all ranks. */
    void reduce() {
        if (world.size() > 1) {
            world.allReduce(sums, ReduceOp.SUM, backend.computeStream());
        }
    }

    /** The global sum of squared gradients after {@link #reduce}. */
    Tensor globalSumSquares() {
        return sumSquares;
    }

    /** Keeps the step's sums and clip [3] in the ring. */
    void keep(Tensor clip) {
        backend.copy(ringSums[held], sums);
        backend.copy(ringClip[held], clip);
        held++;
    }

    /** Steps that the ring has room for. */
    int room() {
        return ringSums.length - held;
    }

    /** Whether the ring has no room for another step. */
    boolean full() {
        return held == ringSums.length;
    }

    /** The results kept since the last call, oldest first; waits for the device. */
    Result[] take() {
        float[] values = Host.floats(backend, ring);
        Result[] results = new Result[held];
        for (int i = 0; i < held; i++) {
            int at = i * COLUMNS;
            results[i] = new Result(
                    values[at], values[at + 4], values[at + 5], values[at + 6] != 0, values[at + 2] > 0, WISHES[(int) values[at + 3]]);
        }
        held = 0;
        return results;
    }

    @Override
    public void close() {
        arena.close();
    }
}
