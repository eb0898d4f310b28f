package org.longhaul.tensor;

/** One contiguous allocation of device memory, 256-byte aligned, cut into {@link Tensor} views and freed as a whole. */
public abstract class Arena implements AutoCloseable {
    /** Every buffer cut by a planner starts at a multiple of this many bytes. */
    public static final long ALIGNMENT = 256;

    private final String name;
    private final long bytes;

    /** Called by a backend. */
    protected Arena(String name, long bytes) {
        this.name = name;
        this.bytes = bytes;
    }

    /** What the arena holds. */
    public final String name() {
        return name;
    }

    /** Its size in bytes. */
    public final long bytes() {
        return bytes;
    }

    /** Device address of its first byte. */
    public abstract long address();

    /** A view at a byte offset. */
    public final Tensor tensor(String tensorName, long byteOffset, DType dtype, long... shape) {
        return new Tensor(tensorName, this, byteOffset, dtype, shape);
    }

    /** Rounds a byte count up to {@link #ALIGNMENT}. */
    public static long align(long byteCount) {
        return (byteCount + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    @Override
    public abstract void close();
}
