package org.longhaul.ops.cuda;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.longhaul.tensor.Tensor;

/** Other kernels for RMSNorm than {@link NormKernels}' own, to be measured against them; compiled when one is first asked for. */
final class NormVariants {
    private static final int VECTOR = 8;
    private static final int WARP = 32;
    private static final int MAX_THREADS = 512;
    /** The vectors of a row for each thread that forward kernels exist for. */
    private static final int[] EACH = {1, 2, 3, 4, 6, 8};
    private static final int MAX_BACKWARD = 4;
    /** Threads of a block whose warps have a row each, forward. */
    private static final int SMALL_BLOCK = 128;
    /** Shared memory that the kernels declare themselves and the driver keeps of a block, at most. */
    private static final int BLOCK_SHARED = 1536;
    /** Threads of a kernel that its registers let stay on a multiprocessor, by the vectors of each thread (bf16, sm_90a). */
    private static final int[] FORWARD_STAYS = {0, 1024, 1024, 1024, 640, 512, 512, 512, 512};
    private static final int[] BACKWARD_STAYS = {0, 1024, 768, 512, 512};

    /**
     * One way. Forward: {@code each} is the most vectors of a row to a thread, {@code rows} how many rows are copied ahead (0 or 2),
     * {@code once} whether loads leave the caches first. Backward: {@code rows} copied ahead (2 or 3), at most {@code resident} threads.
     */
    record Variant(String name, int each, int rows, boolean once, int resident) {}

    static final List<Variant> FORWARD = List.of(
            new Variant("lean 4", 4, 0, false, 0), new Variant("lean 8", 8, 0, false, 0), new Variant("lean 4 once", 4, 0, true, 0),
            new Variant("lean 8 once", 8, 0, true, 0), new Variant("ahead 4", 4, 2, false, 1024), new Variant("ahead 8", 8, 2, false, 1024));
    static final List<Variant> BACKWARD = List.of(
            new Variant("ahead 2 of 512", 0, 2, false, 512), new Variant("ahead 3 of 512", 0, 3, false, 512),
            new Variant("ahead 2 of 768", 0, 2, false, 768), new Variant("ahead 3 of 768", 0, 3, false, 768),
            new Variant("ahead 2 of 1024", 0, 2, false, 1024), new Variant("ahead 3 of 1024", 0, 3, false, 1024));

    private final KernelProvider provider;
    private final Kernel weightSum;
    private final Map<String, Kernel> kernels = new HashMap<>();
    private int multiprocessors;

    NormVariants(KernelProvider provider, Kernel weightSum) {
        this.provider = provider;
        grid(0);
        this.weightSum = weightSum;
    }

    /** Takes grids for so many multiprocessors, so that blocks walk many rows of a small check; 0 for those there are. */
    void grid(int count) {
        multiprocessors = count > 0 ? count : provider.multiprocessors();
    }

    private Kernel kernel(String name) {
        return kernels.computeIfAbsent(name, n -> provider.kernel("norm_variants", n).maxShared(provider.sharedBytes() - BLOCK_SHARED));
    }

    /** Rows of {@code threads} threads, {@code rowsOfBlock} of them in a block. */
    private record Geometry(int each, int threads, int rowsOfBlock) {
        int blockThreads() {
            return threads * rowsOfBlock;
        }
    }

    private static Geometry forward(int vectors, int most, int blockThreads) {
        int threads = (ceil(vectors, most) + WARP - 1) / WARP * WARP;
        int each = ceil(vectors, threads);
        int exists = 0;
        for (int e : EACH) {
            exists = exists == 0 && e >= each ? e : exists;
        }
        return new Geometry(exists, threads, threads == WARP ? blockThreads / WARP : 1);
    }

    /** The forward pass, or false where the variant has no kernel for the width; addresses are multiples of 16. */
    boolean forward(Variant variant, Tensor y, Tensor rstd, Tensor x, Tensor w, double eps, long rows, int width) {
        if (width % VECTOR != 0 || width / VECTOR > (long) MAX_THREADS * variant.each) {
            return false;
        }
        int vectors = width / VECTOR;
        Geometry g = forward(vectors, variant.each, SMALL_BLOCK);
        long blocks = ceil(rows, g.rowsOfBlock);
        int shared = 0;
        if (variant.rows > 0) {
            g = forward(vectors, variant.each, 2 * SMALL_BLOCK);
            shared = variant.rows * g.each * g.blockThreads() * VECTOR * provider.computeType().bytes();
            if (shared > provider.sharedBytes() - BLOCK_SHARED) {
                return false;
            }
            blocks = even(rows, g, Math.min(variant.resident, FORWARD_STAYS[g.each]), shared);
        }
        Kernel k = kernel((variant.rows > 0 ? "rms_norm_ahead_" : variant.once ? "rms_norm_once_" : "rms_norm_lean_") + g.each);
        k.pointer(y).pointer(rstd).pointer(x).pointer(w).float32((float) eps).int64(rows).int32(width)
                .launch(Operands.count(blocks, "rows"), 1, g.threads, g.rowsOfBlock, shared);
        return true;
    }

    /** The backward pass, or false where the variant has no kernel for the width; addresses are multiples of 16. */
    boolean backward(
            Variant variant, Tensor dx, Tensor dw, Tensor dy, Tensor x, Tensor w, Tensor rstd, Tensor residual, long rows, int width) {
        int vectors = width / VECTOR;
        if (width % VECTOR != 0 || vectors > MAX_THREADS * MAX_BACKWARD) {
            return false;
        }
        Geometry g;
        if (vectors <= WARP * MAX_BACKWARD) {
            g = new Geometry(ceil(vectors, WARP), WARP, VECTOR);
        } else {
            int each = Math.max(vectors > MAX_THREADS / 2 ? 2 : 1, ceil(vectors, MAX_THREADS));
            g = new Geometry(each, (ceil(vectors, each) + WARP - 1) / WARP * WARP, 1);
        }
        int ring = variant.rows * 3 * g.each * g.blockThreads() * VECTOR * provider.computeType().bytes();
        int shared = Math.max(ring, g.rowsOfBlock > 1 ? g.rowsOfBlock * width * Float.BYTES : 0);
        if (shared > provider.sharedBytes() - BLOCK_SHARED) {
            return false;
        }
        int blocks = even(rows, g, Math.min(variant.resident, BACKWARD_STAYS[g.each]), shared);
        long partial = provider.scratch((long) blocks * width * Float.BYTES);
        kernel("rms_norm_backward_ahead" + variant.rows + "_" + g.each).pointer(dx).pointer(partial).pointer(dy).pointer(x).pointer(w)
                .pointer(rstd).pointer(residual).int64(rows).int32(width).launch(blocks, 1, g.threads, g.rowsOfBlock, shared);
        weightSum.pointer(dw).pointer(partial).int32(blocks).int32(width).launch(ceil(width, WARP), 1, WARP, WARP, 0);
        return true;
    }

    // As few blocks as give none of them more rows than the most that may stay would: then all end together.
    private int even(long rows, Geometry g, int resident, int shared) {
        int each = Math.max(1, Math.min(resident / g.blockThreads(), (provider.sharedBytes() + BLOCK_SHARED) / (shared + BLOCK_SHARED)));
        long steps = ceil(rows, g.rowsOfBlock);
        long turns = ceil(steps, (long) each * multiprocessors);
        return (int) ceil(steps, turns);
    }

    private static int ceil(int a, int b) {
        return (a + b - 1) / b;
    }

    private static long ceil(long a, long b) {
        return (a + b - 1) / b;
    }
}
