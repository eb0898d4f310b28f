package org.longhaul.ops.cuda;

import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/** Quantisation to 8-bit floats with one scale per tensor, chosen from the tensor itself. */
final class Fp8Kernels {
    /** Both sides of a quantised matrix are multiples of this. */
    static final int MULTIPLE = 16;

    private static final int THREADS = 256;
    private static final int TILE_ROWS = 128;
    private static final int TILE_COLUMNS = 64;
    private static final float LARGEST_E4M3 = 448;
    private static final float LARGEST_E5M2 = 57_344;

    private final KernelProvider provider;
    private final ReduceKernels reduce;
    private final Kernel e4m3;
    private final Kernel e5m2;

    Fp8Kernels(KernelProvider provider, ReduceKernels reduce) {
        this.provider = provider;
        this.reduce = reduce;
        e4m3 = provider.kernel("fp8", "quantise_e4m3");
        e5m2 = provider.kernel("fp8", "quantise_e5m2");
    }

    /**
     * out[R,C] = x[R,C]·scale[0] in its 8-bit type, transposed[C,R] the same turned; either may be null. scale and inverse (F32, one
     * element each) are set to largest/max|x| and max|x|/largest.
     */
    void quantise(Tensor out, Tensor transposed, Tensor x, Tensor scale, Tensor inverse) {
        DType type = (out != null ? out : transposed).dtype();
        Operands.require(type == DType.F8_E4M3 || type == DType.F8_E5M2, "quantise", out, transposed);
        reduce.fp8Scale(scale, inverse, x, type == DType.F8_E4M3 ? LARGEST_E4M3 : LARGEST_E5M2);
        long rows = x.size(0);
        long columns = x.size(1);
        Operands.require(x.rank() == 2 && rows % MULTIPLE == 0 && columns % MULTIPLE == 0, "quantise in multiples of 16", x);
        Operands.require(out == null || out.size(0) == rows && out.size(1) == columns && out.dtype() == type, "quantise", out, x);
        Operands.require(transposed == null || transposed.size(0) == columns && transposed.size(1) == rows && transposed.dtype() == type,
                "quantise", transposed, x);
        Operands.require(Operands.aligned(out, transposed, x), "quantise needs 16-byte alignment:", out, transposed, x);
        Operands.type(provider.computeType(), "quantise", x);
        Kernel k = type == DType.F8_E4M3 ? e4m3 : e5m2;
        k.pointer(out).pointer(transposed).pointer(x).pointer(scale).int32(Operands.count(rows, "rows"))
                .int32(Operands.count(columns, "columns"));
        k.launch((int) ((columns + TILE_COLUMNS - 1) / TILE_COLUMNS), (int) ((rows + TILE_ROWS - 1) / TILE_ROWS), THREADS, 1, 0);
    }
}
