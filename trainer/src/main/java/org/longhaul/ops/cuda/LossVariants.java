package org.longhaul.ops.cuda;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.longhaul.tensor.Tensor;

/** Other kernels for the cross-entropy of whole rows than {@link LossKernels}' own, to be measured against them. */
final class LossVariants {
    private static final int VECTOR = 8;
    private static final int WARP = 32;
    private static final int MAX_THREADS = 800;
    private static final int MIN_THREADS = 512;
    /** Shared memory that the kernels declare themselves and the driver keeps of a block, at most. */
    private static final int BLOCK_SHARED = 1536;

    /** One way: the vectors of each thread on their way, and whether loads leave the caches first. */
    record Variant(String name, int vectors, boolean once) {}

    static final List<Variant> ALL = List.of(
            new Variant("ahead 2", 2, false), new Variant("ahead 4", 4, false), new Variant("ahead 2 once", 2, true),
            new Variant("ahead 4 once", 4, true));

    private final KernelProvider provider;
    private final Map<String, Kernel> kernels = new HashMap<>();
    private int multiprocessors;

    LossVariants(KernelProvider provider) {
        this.provider = provider;
        grid(0);
    }

    /** Takes grids for so many multiprocessors, so that blocks walk many rows of a small check; 0 for those there are. */
    void grid(int count) {
        multiprocessors = count > 0 ? count : provider.multiprocessors();
    }

    private Kernel kernel(String name) {
        return kernels.computeIfAbsent(name, n -> provider.kernel("loss_variants", n).maxShared(provider.sharedBytes() - BLOCK_SHARED));
    }

    /** Loss and gradient, or false where a row does not fit the shared memory. */
    boolean whole(Variant variant, Tensor loss, Tensor logits, Tensor targets, Tensor scale, double zLoss, int ignore, long squares,
            int rows, int width, int vector) {
        int bytes = width / VECTOR * VECTOR * provider.computeType().bytes();
        if (bytes > provider.sharedBytes() - BLOCK_SHARED) {
            return false;
        }
        int threads = threads(width / VECTOR, variant.vectors);
        int perMultiprocessor = Math.max(1, Math.min(MAX_THREADS / threads, (provider.sharedBytes() + BLOCK_SHARED) / (bytes + BLOCK_SHARED)));
        int turns = ceil(rows, perMultiprocessor * multiprocessors);
        kernel((variant.once ? "cross_entropy_once_" : "cross_entropy_ahead_") + variant.vectors).pointer(loss).pointer(logits)
                .pointer(targets).pointer(scale).float32((float) zLoss).int32(ignore).pointer(squares).int32(width).int32(rows).int32(vector)
                .launch(ceil(rows, turns), 1, threads, 1, bytes);
        return true;
    }

    // The block whose groups leave the fewest places of a row's last group empty, among equals the largest.
    private static int threads(int vectors, int each) {
        int best = Math.max(WARP, Math.min(MIN_THREADS, ceil(ceil(vectors, each), WARP) * WARP));
        for (int t = best; t <= MAX_THREADS; t += WARP) {
            if (ceil(vectors, t * each) * t <= ceil(vectors, best * each) * best) {
                best = t;
            }
        }
        return best;
    }

    private static int ceil(int a, int b) {
        return (a + b - 1) / b;
    }
}
