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

    private static final int MAX_THREADS_RESIDENT = 2048;
    /** What a block takes besides its dynamic part. */
    private static final int BLOCK_SHARED = 1536;

    private final KernelProvider provider;
    private final ReduceKernels reduce;
    private final DType compute;
    private final Kernel whole;
    private final Kernel stream;
    private final Kernel lossOnly;
    private final Kernel statistics;
    private final Kernel gradient;
    private final Kernel rescale;
    private final LossVariants variants;
    private LossVariants.Variant other;
    private int maxThreads = MAX_THREADS;
    private int cacheBytes;
    private boolean streaming = true;

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
        variants = new LossVariants(provider);
    }

    LossVariants variants() {
        return variants;
    }

    /** Takes another kernel for whole rows where it can, for measurements; null for the own one. */
    void choose(LossVariants.Variant variant) {
        other = variant;
    }

    /** Takes other limits, for measurements: threads of a block, bytes of a row that it keeps in shared memory, whether blocks stay. */
    void tune(int threads, int bytes, boolean stay) {
        streaming = stay;
        maxThreads = threads;
        cacheBytes = Math.min(bytes, Math.max(0, provider.sharedBytes() - RESERVED_SHARED)) / 16 * 16;
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
        if (other != null && variants.whole(other, loss, logits, targets, gradientScale, zLoss, ignoreIndex, squares, rows, width, vector(logits))) {
            addSquares(zLossSum, squares, rows);
            return;
        }
        int cached = Math.min(width / VECTOR, cacheBytes / (VECTOR * compute.bytes()));
        // Every row's vectors, whatever its alignment, are at most this many.
        if (streaming && cached == width / VECTOR) {
            int bytes = cached * VECTOR * compute.bytes();
            int threads = threads(width);
            int perMultiprocessor = Math.max(1, Math.min(MAX_THREADS_RESIDENT / threads,
                    (provider.sharedBytes() + BLOCK_SHARED) / (bytes + BLOCK_SHARED)));
            stream.pointer(loss).pointer(logits).pointer(targets).pointer(gradientScale).float32((float) zLoss).int32(ignoreIndex)
                    .pointer(squares).int32(width).int32(rows).int32(vector(logits))
                    .launch(Math.min(rows, perMultiprocessor * provider.multiprocessors()), 1, threads, 1, bytes);
            addSquares(zLossSum, squares, rows);
            return;
        }
        whole.pointer(loss).pointer(logits).pointer(targets).pointer(gradientScale).float32((float) zLoss).int32(ignoreIndex)
                .pointer(squares).int32(width).int32(cached).int32(vector(logits))
                .launch(rows, 1, threads(width), 1, cached * VECTOR * compute.bytes());
        addSquares(zLossSum, squares, rows);
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
        while (threads < wanted && threads < maxThreads) {
            threads *= 2;
        }
        return threads;
    }

    // Any element alignment will do: the kernel finds each row's first 16-byte boundary.
    private int vector(Tensor logits) {
        return flag(logits.address() % compute.bytes() == 0);
    }
}
