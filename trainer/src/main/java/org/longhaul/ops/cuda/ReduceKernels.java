package org.longhaul.ops.cuda;

import static org.longhaul.ops.cuda.Operands.aligned;
import static org.longhaul.ops.cuda.Operands.flag;

import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/** Sums in two stages whose grouping depends only on the size and the GPU: the same bits every time. */
final class ReduceKernels {
    private static final int THREADS = 256;
    private static final int BLOCKS_PER_MULTIPROCESSOR = 8;
    /** Elements that give a block enough to do. */
    private static final long ELEMENTS_PER_BLOCK = 8L * THREADS * 4;

    private final KernelProvider provider;
    private final Kernel squares;
    private final Kernel plain;
    private final Kernel last;
    private final Kernel clip;
    private final Kernel largest;
    private final Kernel fp8Scale;

    ReduceKernels(KernelProvider provider) {
        this.provider = provider;
        squares = provider.kernel("reduce", "sum_squares_partial");
        plain = provider.kernel("reduce", "sum_partial");
        last = provider.kernel("reduce", "sum_final");
        clip = provider.kernel("reduce", "clip_factor");
        largest = provider.kernel("reduce", "amax_partial");
        fp8Scale = provider.kernel("reduce", "fp8_scale");
    }

    void sumOfSquares(Tensor out, Tensor x) {
        twoStages("sumOfSquares", squares, out, x);
    }

    void sum(Tensor out, Tensor x) {
        twoStages("sum", plain, out, x);
    }

    private void twoStages(String what, Kernel first, Tensor out, Tensor x) {
        Operands.type(DType.F32, what, out, x);
        if (x.elements() == 0) {
            return;
        }
        int blocks = blocks(x.elements());
        long partial = provider.scratch((long) blocks * Float.BYTES);
        first.pointer(partial).pointer(x).int64(x.elements()).int32(flag(aligned(x))).launch(blocks, 1, THREADS, 1, 0);
        last.pointer(out).pointer(partial).int32(blocks).launch(1, 1, THREADS, 1, 0);
    }

    /** out[0] += the sum of a few floats at an address. */
    void sumSmall(long out, long values, int n) {
        last.pointer(out).pointer(values).int32(n).launch(1, 1, THREADS, 1, 0);
    }

    private int blocks(long elements) {
        return (int) Math.max(1, Math.min((elements + ELEMENTS_PER_BLOCK - 1) / ELEMENTS_PER_BLOCK,
                (long) provider.multiprocessors() * BLOCKS_PER_MULTIPROCESSOR));
    }

    void clipFactor(Tensor factor, Tensor sumSquares, double maxNorm) {
        Operands.type(DType.F32, "clipFactor", factor, sumSquares);
        Operands.require(factor.elements() >= 3, "clipFactor", factor);
        clip.pointer(factor).pointer(sumSquares).float32((float) maxNorm).launch(1, 1, 1, 1, 0);
    }

    /** scale[0] = limit / max|x|, inverse[0] its inverse. */
    void fp8Scale(Tensor scale, Tensor inverse, Tensor x, float limit) {
        Operands.type(DType.F32, "fp8 scale", scale, inverse);
        Operands.type(provider.computeType(), "fp8 scale", x);
        int blocks = blocks(x.elements());
        long partial = provider.scratch((long) blocks * Float.BYTES);
        largest.pointer(partial).pointer(x).int64(x.elements()).int32(flag(aligned(x))).launch(blocks, 1, THREADS, 1, 0);
        fp8Scale.pointer(scale).pointer(inverse).pointer(partial).int32(blocks).float32(limit).launch(1, 1, THREADS, 1, 0);
    }
}
