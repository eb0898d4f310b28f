package org.longhaul.ops.cuda;

import static org.longhaul.ops.cuda.Operands.aligned;

import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/** RMSNorm forward, with the residual sum, and backward. */
final class NormKernels {
    private static final int VECTOR = 8;
    private static final int WARP = 32;
    /** Vectors of a row that a thread has at most; the kernels exist for 0 (any width and address) to this. */
    private static final int MAX_VECTORS = 4;
    private static final int MAX_THREADS = 512;
    private static final int SCALAR_THREADS = 256;
    /** Threads of a block whose warps have a row each. */
    private static final int FORWARD_BLOCK = 128;
    private static final int BACKWARD_BLOCK = 256;
    /** Rows of a block that the backward pass has on their way to shared memory (AHEAD in norm.cu), and the operands of each. */
    private static final int AHEAD = 2;
    private static final int OPERANDS = 3;
    /** Threads each multiprocessor should hold during the backward pass, whose blocks stay and walk rows: measured on an H200. */
    private static final int RESIDENT_THREADS = 768;
    /** The same where the registers of a thread that has three vectors or more let no more stay, and for rows of any width. */
    private static final int RESIDENT_WIDE_THREADS = 512;
    private static final int RESIDENT_SCALAR_THREADS = 1024;
    /** Shared memory that the kernels declare themselves and the driver keeps of a block, at most. */
    private static final int BLOCK_SHARED = 1536;

    private final KernelProvider provider;
    private final DType compute;
    private final Kernel[] forward = new Kernel[MAX_VECTORS + 1];
    private final Kernel[] addForward = new Kernel[MAX_VECTORS + 1];
    private final Kernel[] backward = new Kernel[MAX_VECTORS + 1];
    private final Kernel weightSum;

    NormKernels(KernelProvider provider) {
        this.provider = provider;
        compute = provider.computeType();
        for (int v = 0; v <= MAX_VECTORS; v++) {
            forward[v] = provider.kernel("norm", "rms_norm_" + v);
            addForward[v] = provider.kernel("norm", "add_rms_norm_" + v);
            backward[v] = provider.kernel("norm", "rms_norm_backward_" + v).maxShared(Math.max(0, provider.sharedBytes() - BLOCK_SHARED));
        }
        weightSum = provider.kernel("norm", "norm_weight_sum");
    }

    /** Vectors of a thread, threads of a row and rows of a block; 0 vectors is the kernel for any width. */
    private record Geometry(int vectors, int threads, int rowsOfBlock) {
        static final Geometry SCALAR = new Geometry(0, SCALAR_THREADS, 1);

        int blockThreads() {
            return threads * rowsOfBlock;
        }
    }

    private static boolean vectors(int width, boolean aligned) {
        return aligned && width % VECTOR == 0 && width / VECTOR <= MAX_THREADS * MAX_VECTORS;
    }

    /** As many vectors to a thread as there may be: fewer threads wait for one another, each with more loads on their way. */
    private static Geometry forward(int width, boolean aligned) {
        if (!vectors(width, aligned)) {
            return Geometry.SCALAR;
        }
        int vectors = width / VECTOR;
        int threads = warps(ceil(vectors, MAX_VECTORS));
        return new Geometry(ceil(vectors, threads), threads, threads == WARP ? FORWARD_BLOCK / WARP : 1);
    }

    private Geometry backward(int width, boolean aligned) {
        if (!vectors(width, aligned)) {
            return Geometry.SCALAR;
        }
        int vectors = width / VECTOR;
        if (vectors <= WARP * MAX_VECTORS) {
            Geometry g = new Geometry(ceil(vectors, WARP), WARP, BACKWARD_BLOCK / WARP);
            while (g.rowsOfBlock > 1 && !fits(g, width)) {
                g = new Geometry(g.vectors, WARP, g.rowsOfBlock / 2);
            }
            return fits(g, width) ? g : Geometry.SCALAR;
        }
        int each = Math.max(vectors > MAX_THREADS / 2 ? 2 : 1, ceil(vectors, MAX_THREADS));
        Geometry g = new Geometry(each, warps(ceil(vectors, each)), 1);
        return fits(g, width) ? g : Geometry.SCALAR;
    }

    private boolean fits(Geometry g, int width) {
        return shared(g, width) <= provider.sharedBytes() - BLOCK_SHARED;
    }

    /** What the backward pass takes: the operands on their way, and in the end the sums of the rows of a block. */
    private int shared(Geometry g, int width) {
        int ring = AHEAD * OPERANDS * g.vectors * g.blockThreads() * VECTOR * compute.bytes();
        return Math.max(ring, g.rowsOfBlock > 1 ? g.rowsOfBlock * width * Float.BYTES : 0);
    }

    /** As few blocks as give none of them more rows than the most that may stay would: then all end together. */
    private int staying(long rows, Geometry g, int shared) {
        int resident = g.vectors == 0 ? RESIDENT_SCALAR_THREADS : g.vectors > 2 ? RESIDENT_WIDE_THREADS : RESIDENT_THREADS;
        int each = Math.max(1, Math.min(resident / g.blockThreads(), (provider.sharedBytes() + BLOCK_SHARED) / (shared + BLOCK_SHARED)));
        long steps = (rows + g.rowsOfBlock - 1) / g.rowsOfBlock;
        long most = (long) each * provider.multiprocessors();
        long turns = (steps + most - 1) / most;
        return (int) ((steps + turns - 1) / turns);
    }

    private static int warps(int threads) {
        return ceil(threads, WARP) * WARP;
    }

    private static int ceil(int a, int b) {
        return (a + b - 1) / b;
    }

    void forward(Tensor sum, Tensor y, Tensor rstd, Tensor x, Tensor delta, Tensor w, double eps) {
        String what = sum == null ? "rmsNorm" : "addRmsNorm";
        int width = Operands.count(x.size(-1), "width");
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
        Geometry g = forward(width, aligned(y, x, w) && aligned(sum, delta));
        Kernel k = (sum == null ? forward : addForward)[g.vectors];
        k.pointer(sum).pointer(y).pointer(rstd).pointer(x).pointer(delta).pointer(w).float32((float) eps).int64(rows).int32(width);
        k.launch(Operands.count((rows + g.rowsOfBlock - 1) / g.rowsOfBlock, "rows"), 1, g.threads, g.rowsOfBlock, 0);
    }

    void backward(Tensor dx, Tensor dw, Tensor dy, Tensor x, Tensor w, Tensor rstd, Tensor residual) {
        String what = "rmsNormBackward";
        int width = Operands.count(x.size(-1), "width");
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
        Geometry g = backward(width, aligned(dx, dy, x, w) && aligned(residual));
        int shared = shared(g, width);
        int blocks = staying(rows, g, shared);
        long partial = provider.scratch((long) blocks * width * Float.BYTES);
        backward[g.vectors].pointer(dx).pointer(partial).pointer(dy).pointer(x).pointer(w).pointer(rstd).pointer(residual)
                .int64(rows).int32(width).launch(blocks, 1, g.threads, g.rowsOfBlock, shared);
        weightSum.pointer(dw).pointer(partial).int32(blocks).int32(width).launch(ceil(width, WARP), 1, WARP, WARP, 0);
    }
}
