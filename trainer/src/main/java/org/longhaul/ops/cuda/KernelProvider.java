package org.longhaul.ops.cuda;

import org.longhaul.tensor.DType;

/** Where kernels come from and what the machine that runs them has; a GPU, or in tests an emulator of one. */
interface KernelProvider {
    /** A kernel by its source file and its {@code extern "C"} name; every call gives one with arguments of its own. */
    Kernel kernel(String source, String entry);

    /** The type of activations that the kernels were compiled for: BF16 or F32. */
    DType computeType();

    /** Multiprocessors, for grids that stay resident. */
    int multiprocessors();

    /** Dynamic shared memory one block may have, in bytes. */
    int sharedBytes();

    /**
     * Device address of at least this many bytes of scratch, 256-byte aligned. The contents last until the next operation
     * asks; a request larger than any before may wait for the device and allocate.
     */
    long scratch(long bytes);

    /** Fills device bytes with zeros, in stream order. */
    void zero(long address, long bytes);
}
