package org.longhaul.ops.cuda;

import static org.longhaul.ops.cuda.Operands.aligned;

import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/** RMSNorm forward, with the residual sum, and backward. */
final class NormKernels {
    private static final int VECTOR = 8;
    private static final int WARP = 32;
    /** Vectors of a row that a thread keeps in registers; the kernels exist for 0 (none) to this. */
    private static final int MAX_VECTORS = 4;
    /** Rows up to this width belong to one warp, wider ones to a block. */
    private static final int WARP_WIDTH = WARP * VECTOR * MAX_VECTORS;
    private static final int MAX_THREADS = 512;
    private static final int SCALAR_THREADS = 256;
    private static final int WARPS = 8;
    /** Threads each multiprocessor should hold during the backward pass, whose blocks stay and walk rows: measured on an H200. */
    private static final int RESIDENT_THREADS = 1024;
    /** The same where a thread has several vectors of each row in flight. */
    private static final int RESIDENT_WIDE_THREADS = 512;

    private final KernelProvider provider;
    private final DType compute;
    private final Kernel[] forward = new Kernel[MAX_VECTORS + 1];
    private final Kernel[] addForward = new Kernel[MAX_VECTORS + 1];
    private final Kernel[] backward = new Kernel[MAX_VECTORS + 1];
    private final Kernel weightSum;
    private final NormVariants variants;
    private NormVariants.Variant otherForward;
    private NormVariants.Variant otherBackward;
    private int tunedThreads;

    NormKernels(KernelProvider provider) {
        this.provider = provider;
        compute = provider.computeType();
        for (int v = 0; v <= MAX_VECTORS; v++) {
            forward[v] = provider.kernel("norm", "rms_norm_" + v);
            addForward[v] = provider.kernel("norm", "add_rms_norm_" + v);
            backward[v] = provider.kernel("norm", "rms_norm_backward_" + v);
        }
        weightSum = provider.kernel("norm", "norm_weight_sum");
        variants = new NormVariants(provider, weightSum);
    }

    NormVariants variants() {
        return variants;
    }

    /** Takes other kernels where they have one for the row, for measurements; null for the own ones. */
    void chooseForward(NormVariants.Variant variant) {
        otherForward = variant;
    }

    /** As {@link #chooseForward}. */
    void chooseBackward(NormVariants.Variant variant) {
        otherBackward = variant;
    }

    /** Takes another number of resident threads for the backward pass, for measurements; 0 for the own choice. */
    void tune(int resident) {
        tunedThreads = resident;
    }

    /** Vectors per thread and threads of a row; 0 vectors is the kernel for any width. */
    private record Geometry(int vectors, int threads, int rowsPerBlock) {
        static Geometry of(long width, boolean aligned) {
            long vectors = width / VECTOR;
            if (width % VECTOR != 0 || !aligned || vectors > (long) MAX_THREADS * MAX_VECTORS) {
                return new Geometry(0, SCALAR_THREADS, 1);
            }
            if (width <= WARP_WIDTH) {
                return new Geometry((int) ((vectors + WARP - 1) / WARP), WARP, WARPS);
            }
            // As few vectors per thread as the largest block allows, at least two warps' worth of rows in flight per block.
            int each = (int) Math.max(vectors > SCALAR_THREADS ? 2 : 1, (vectors + MAX_THREADS - 1) / MAX_THREADS);
            int threads = (int) ((vectors + each - 1) / each);
            return new Geometry(each, (threads + WARP - 1) / WARP * WARP, 1);
        }
    }

    void forward(Tensor sum, Tensor y, Tensor rstd, Tensor x, Tensor delta, Tensor w, double eps) {
        String what = sum == null ? "rmsNorm" : "addRmsNorm";
        long width = x.size(-1);
        long rows = Operands.rows(x);
        Operands.sameElements(what, y, x);
        Operands.require(w.elements() == width && rstd.elements() == rows, what, x, w, rstd);
        Operands.type(compute, what, sum, y, x, delta, w);
        Operands.type(DType.F32, what, rstd);
        if (sum != null) {
            Operands.sameElements(what, sum, x);
            Operands.sameElements(what, delta, x);
        }
        if (rows == 0) {
            return;
        }
        if (otherForward != null && sum == null && aligned(y, x, w)
                && variants.forward(otherForward, y, rstd, x, w, eps, rows, (int) width)) {
            return;
        }
        Geometry g = Geometry.of(width, aligned(y, x, w) && aligned(sum, delta));
        Kernel k = (sum == null ? forward : addForward)[g.vectors];
        k.pointer(sum).pointer(y).pointer(rstd).pointer(x).pointer(delta).pointer(w).float32((float) eps).int64(rows).int32((int) width);
        k.launch(Operands.count((rows + g.rowsPerBlock - 1) / g.rowsPerBlock, "rows"), 1, g.threads, g.rowsPerBlock, 0);
    }

    void backward(Tensor dx, Tensor dw, Tensor dy, Tensor x, Tensor w, Tensor rstd, Tensor residual) {
        String what = "rmsNormBackward";
        int width = (int) x.size(-1);
        long rows = Operands.rows(x);
        Operands.sameElements(what, dx, x);
        Operands.sameElements(what, dy, x);
        Operands.require(residual == null || residual.elements() == x.elements(), what, x, residual);
        Operands.require(w.elements() == width && dw.elements() == width && rstd.elements() == rows, what, x, w, dw, rstd);
        Operands.type(compute, what, dx, dy, x, w, residual);
        Operands.type(DType.F32, what, dw, rstd);
        if (rows == 0) {
            return;
        }
        if (otherBackward != null && aligned(dx, dy, x, w) && aligned(residual)
                && variants.backward(otherBackward, dx, dw, dy, x, w, rstd, residual, rows, width)) {
            return;
        }
        Geometry g = Geometry.of(width, aligned(dx, dy, x, w) && aligned(residual));
        int resident = tunedThreads > 0 ? tunedThreads : g.vectors > 1 ? RESIDENT_WIDE_THREADS : RESIDENT_THREADS;
        int perMultiprocessor = Math.max(1, resident / (g.threads * g.rowsPerBlock));
        int blocks = (int) Math.min((rows + g.rowsPerBlock - 1) / g.rowsPerBlock, (long) provider.multiprocessors() * perMultiprocessor);
        long partial = provider.scratch((long) blocks * width * Float.BYTES);
        int shared = g.rowsPerBlock > 1 ? g.rowsPerBlock * width * Float.BYTES : 0;
        backward[g.vectors].pointer(dx).pointer(partial).pointer(dy).pointer(x).pointer(w).pointer(rstd).pointer(residual)
                .int64(rows).int32(width).launch(blocks, 1, g.threads, g.rowsPerBlock, shared);
        weightSum.pointer(dw).pointer(partial).int32(blocks).int32(width).launch((width + WARP - 1) / WARP, 1, WARP, WARP, 0);
    }
}
