package org.longhaul.ops.cuda;

import static org.longhaul.ops.cuda.Operands.flag;

import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/** The cross-entropy head on rows of logits, whole or vocabulary-parallel. */
final class LossKernels {
    private static final int VECTOR = 8;
    private static final int MAX_THREADS = 1024;
    /** Narrow rows get a smaller block: at least this many vectors for each thread. */
    private static final int VECTORS_PER_THREAD = 4;
    private static final int MIN_THREADS = 128;
    /** Shared memory the kernels declare themselves, and what the driver keeps of each block. */
    private static final int RESERVED_SHARED = 2048;

    /** Threads of blocks that stay on a multiprocessor: what the registers of cross_entropy_stream allow, for all its blocks together. */
    private static final int STAYING_THREADS = 800;
    /** Blocks that stay at most. */
    private static final int STAYING = 3;
    /** Vectors that a thread of them has on their way (U in loss.cu). */
    private static final int AHEAD = 2;
    private static final int WARP = 32;

    private final KernelProvider provider;
    private final ReduceKernels reduce;
    private final DType compute;
    private final Kernel whole;
    private final Kernel stream;
    private final Kernel lossOnly;
    private final Kernel statistics;
    private final Kernel gradient;
    private final Kernel rescale;
    private final int cacheBytes;

    LossKernels(KernelProvider provider, ReduceKernels reduce) {
        this.provider = provider;
        this.reduce = reduce;
        compute = provider.computeType();
        cacheBytes = Math.max(0, provider.sharedBytes() - RESERVED_SHARED) / 16 * 16;
        whole = provider.kernel("loss", "cross_entropy").maxShared(cacheBytes);
        stream = provider.kernel("loss", "cross_entropy_stream").maxShared(cacheBytes);
        lossOnly = provider.kernel("loss", "cross_entropy_loss");
        statistics = provider.kernel("loss", "cross_entropy_statistics");
        gradient = provider.kernel("loss", "cross_entropy_gradient");
        rescale = provider.kernel("loss", "rescale_sums");
    }

    void crossEntropy(
            Tensor loss, Tensor logits, Tensor targets, Tensor gradientScale, double zLoss, int ignoreIndex, Tensor zLossSum) {
        String what = "crossEntropy";
        int rows = check(what, logits, targets, loss);
        Operands.type(DType.F32, what, gradientScale, zLossSum);
        if (rows == 0) {
            return;
        }
        int width = (int) logits.size(-1);
        long squares = zLossSum == null ? 0 : provider.scratch((long) rows * Float.BYTES);
        int cached = Math.min(width / VECTOR, cacheBytes / (VECTOR * compute.bytes()));
        int bytes = cached * VECTOR * compute.bytes();
        // Every row's vectors, whatever its alignment, are at most this many.
        if (cached == width / VECTOR) {
            int staying = Math.max(1, Math.min(STAYING, (cacheBytes + RESERVED_SHARED) / (bytes + RESERVED_SHARED)));
            int threads = streamThreads(cached, STAYING_THREADS / staying / WARP * WARP);
            int turns = ceil(rows, staying * provider.multiprocessors());
            stream.pointer(loss).pointer(logits).pointer(targets).pointer(gradientScale).float32((float) zLoss).int32(ignoreIndex)
                    .pointer(squares).int32(width).int32(rows).int32(vector(logits)).launch(ceil(rows, turns), 1, threads, 1, bytes);
        } else {
            whole.pointer(loss).pointer(logits).pointer(targets).pointer(gradientScale).float32((float) zLoss).int32(ignoreIndex)
                    .pointer(squares).int32(width).int32(cached).int32(vector(logits)).launch(rows, 1, threads(width), 1, bytes);
        }
        addSquares(zLossSum, squares, rows);
    }

    /** The block of at most so many threads whose groups leave the fewest places of a row's last group empty, among equals the largest. */
    private static int streamThreads(int vectors, int most) {
        int best = Math.max(WARP, Math.min(most * 5 / 8 / WARP * WARP, ceil(ceil(vectors, AHEAD), WARP) * WARP));
        for (int t = best; t <= most; t += WARP) {
            if (ceil(vectors, t * AHEAD) * t <= ceil(vectors, best * AHEAD) * best) {
                best = t;
            }
        }
        return best;
    }

    private static int ceil(int a, int b) {
        return (a + b - 1) / b;
    }

    void lossOnly(Tensor loss, Tensor logits, Tensor targets, int ignoreIndex) {
        int rows = check("crossEntropyLoss", logits, targets, loss);
        int width = (int) logits.size(-1);
        if (rows > 0) {
            lossOnly.pointer(loss).pointer(logits).pointer(targets).int32(ignoreIndex).int32(width).int32(vector(logits))
                    .launch(rows, 1, threads(width), 1, 0);
        }
    }

    void statistics(Tensor max, Tensor sumExp, Tensor target, Tensor logits, Tensor targets, long firstColumn, int ignoreIndex) {
        int rows = check("crossEntropyStatistics", logits, targets, max);
        check("crossEntropyStatistics", logits, targets, sumExp);
        check("crossEntropyStatistics", logits, targets, target);
        int width = (int) logits.size(-1);
        if (rows > 0) {
            statistics.pointer(max).pointer(sumExp).pointer(target).pointer(logits).pointer(targets).int64(firstColumn)
                    .int32(ignoreIndex).int32(width).int32(vector(logits)).launch(rows, 1, threads(width), 1, 0);
        }
    }

    void rescale(Tensor sumExp, Tensor localMax, Tensor globalMax) {
        Operands.sameElements("rescaleSums", sumExp, localMax);
        Operands.sameElements("rescaleSums", sumExp, globalMax);
        Operands.type(DType.F32, "rescaleSums", sumExp, localMax, globalMax);
        int n = Operands.count(sumExp.elements(), "rows");
        rescale.pointer(sumExp).pointer(localMax).pointer(globalMax).int32(n).cover(n, 256);
    }

    void gradient(
            Tensor loss, Tensor logits, Tensor max, Tensor sumExp, Tensor target, Tensor targets, long firstColumn,
            Tensor gradientScale, double zLoss, int ignoreIndex, Tensor zLossSum) {
        String what = "crossEntropyFromStatistics";
        int rows = check(what, logits, targets, loss);
        check(what, logits, targets, max);
        check(what, logits, targets, sumExp);
        check(what, logits, targets, target);
        Operands.type(DType.F32, what, gradientScale, zLossSum);
        if (rows == 0) {
            return;
        }
        int width = (int) logits.size(-1);
        long squares = zLossSum == null ? 0 : provider.scratch((long) rows * Float.BYTES);
        gradient.pointer(loss).pointer(logits).pointer(max).pointer(sumExp).pointer(target).pointer(targets).int64(firstColumn)
                .pointer(gradientScale).float32((float) zLoss).int32(ignoreIndex).pointer(squares).int32(width)
                .int32(vector(logits)).launch(rows, 1, threads(width), 1, 0);
        addSquares(zLossSum, squares, rows);
    }

    private void addSquares(Tensor zLossSum, long squares, int rows) {
        if (zLossSum != null) {
            reduce.sumSmall(zLossSum.address(), squares, rows);
        }
    }

    private int check(String what, Tensor logits, Tensor targets, Tensor perRow) {
        long rows = Operands.rows(logits);
        Operands.require(targets.elements() == rows && perRow.elements() == rows, what, logits, targets, perRow);
        Operands.type(compute, what, logits);
        Operands.type(DType.I32, what, targets);
        Operands.type(DType.F32, what, perRow);
        Operands.count(logits.size(-1), "vocabulary");
        return Operands.count(rows, "rows");
    }

    private int threads(int width) {
        int wanted = width / (VECTOR * VECTORS_PER_THREAD);
        int threads = MIN_THREADS;
        while (threads < wanted && threads < MAX_THREADS) {
            threads *= 2;
        }
        return threads;
    }

    // Any element alignment will do: the kernel finds each row's first 16-byte boundary.
    private int vector(Tensor logits) {
        return flag(logits.address() % compute.bytes() == 0);
    }
}
