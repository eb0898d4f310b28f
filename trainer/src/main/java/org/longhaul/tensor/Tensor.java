package org.longhaul.tensor;

import java.util.Arrays;

/**
 * A dense row-major view of device memory at a fixed address. It owns nothing: the {@link Arena} it was cut from owns the
 * memory and must outlive it. The shape never changes; {@link #view} and {@link #rows} cut further views.
 */
public final class Tensor {
    private final String name;
    private final Arena arena;
    private final long offset;
    private final DType dtype;
    private final long[] shape;
    private final long elements;
    Tensor(String name, Arena arena, long offset, DType dtype, long... shape) {
        this.name = name;
        this.arena = arena;
        this.offset = offset;
        this.dtype = dtype;
        this.shape = shape.clone();
        this.elements = elements(shape);
        if (offset < 0 || offset + bytes() > arena.bytes()) {
            throw new IllegalArgumentException(name + " " + Arrays.toString(shape) + " " + dtype + " at byte " + offset
                    + " does not fit arena " + arena.name() + " of " + arena.bytes() + " bytes");
        }
    }

    /** The number of elements of a shape. */
    public static long elements(long... shape) {
        long n = 1;
        for (long s : shape) {
            n = Math.multiplyExact(n, s);
        }
        return n;
    }

    /** What the buffer holds, for plans, traces and errors. */
    public String name() {
        return name;
    }

    /** The memory this is a view of. */
    public Arena arena() {
        return arena;
    }

    /** Byte offset in the arena. */
    public long offset() {
        return offset;
    }

    /** Device address of the first element. */
    public long address() {
        return arena.address() + offset;
    }

    /** Element type. */
    public DType dtype() {
        return dtype;
    }

    /** A copy of the shape, outermost dimension first. */
    public long[] shape() {
        return shape.clone();
    }

    /** Number of dimensions. */
    public int rank() {
        return shape.length;
    }

    /** Extent of one dimension; negative counts from the last. */
    public long size(int dimension) {
        return shape[dimension < 0 ? shape.length + dimension : dimension];
    }

    /** Number of elements. */
    public long elements() {
        return elements;
    }

    /** Number of bytes. */
    public long bytes() {
        return elements * dtype.bytes();
    }

    /** Rows {@code from} (inclusive) to {@code to} (exclusive) of the outermost dimension. */
    public Tensor rows(long from, long to) {
        if (from < 0 || to < from || to > shape[0]) {
            throw new IndexOutOfBoundsException(name + ": rows " + from + " to " + to + " of " + shape[0]);
        }
        long[] s = shape.clone();
        s[0] = to - from;
        long rowBytes = shape[0] == 0 ? 0 : bytes() / shape[0];
        return new Tensor(name, arena, offset + from * rowBytes, dtype, s);
    }

    /** A flat view of elements {@code from} (inclusive) to {@code to} (exclusive). */
    public Tensor slice(long from, long to) {
        if (from < 0 || to < from || to > elements) {
            throw new IndexOutOfBoundsException(name + ": elements " + from + " to " + to + " of " + elements);
        }
        return new Tensor(name, arena, offset + from * dtype.bytes(), dtype, to - from);
    }

    @Override
    public String toString() {
        return name + Arrays.toString(shape) + ":" + dtype;
    }
}
