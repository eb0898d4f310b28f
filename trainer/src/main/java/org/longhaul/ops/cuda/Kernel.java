package org.longhaul.ops.cuda;

import org.longhaul.tensor.Tensor;

/** A compiled kernel that takes its arguments left to right and is then enqueued; launching allocates nothing. */
interface Kernel {
    /** Next argument: a device address, 0 for none. */
    Kernel pointer(long address);

    /** Next argument: where a tensor starts, a null pointer for null. */
    default Kernel pointer(Tensor tensor) {
        return pointer(tensor == null ? 0 : tensor.address());
    }

    /** Next argument: an {@code int}. */
    Kernel int32(int value);

    /** Next argument: a {@code long long}. */
    Kernel int64(long value);

    /** Next argument: a {@code float}. */
    Kernel float32(float value);

    /** Allows launches to ask for up to this many bytes of dynamic shared memory. */
    Kernel maxShared(int bytes);

    /** Enqueues on the provider's stream. */
    void launch(int gridX, int gridY, int blockX, int blockY, int sharedBytes);

    /** Enqueues as many blocks of {@code threads} as cover {@code items} threads. */
    default void cover(long items, int threads) {
        long blocks = (items + threads - 1) / threads;
        if (blocks > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("a grid of " + blocks + " blocks is too large; split the tensor");
        }
        if (blocks > 0) {
            launch((int) blocks, 1, threads, 1, 0);
        } else {
            reset();
        }
    }

    /** Forgets the arguments given so far, when there turned out to be nothing to do. */
    void reset();
}
