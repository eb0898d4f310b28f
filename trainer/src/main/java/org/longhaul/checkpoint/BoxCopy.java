package org.longhaul.checkpoint;

import java.nio.ByteBuffer;
import org.longhaul.model.Box;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;

/**
 * Copies the common part of two boxes of one tensor from the bytes of the one into the bytes of the other. The source comes
 * in pieces in ascending order, as it is read; a cursor remembers how far the copy is.
 */
final class BoxCopy {
    private final long[] outer;
    private final long[] sourceStrides;
    private final long[] targetStrides;
    private final long sourceBase;
    private final long targetBase;
    private final long run;
    private final long runs;
    private final DType from;
    private final DType to;

    private long index;
    private long insideRun;

    /** Copies {@code common} out of {@code source} (type {@code from}) into {@code target} (type {@code to}), both dense and row-major. */
    BoxCopy(Box common, Box source, DType from, Box target, DType to) {
        this.from = from;
        this.to = to;
        int rank = common.extent().length;
        // Trailing dimensions that both sides hold whole make one run together with the first one that they do not.
        int split = rank - 1;
        long length = rank == 0 ? 1 : common.extent()[split];
        while (split > 0 && common.extent()[split] == source.extent()[split] && common.extent()[split] == target.extent()[split]) {
            split--;
            length *= common.extent()[split];
        }
        split = Math.max(split, 0);
        this.run = length;
        this.outer = new long[split];
        this.sourceStrides = new long[split];
        this.targetStrides = new long[split];
        long[] s = strides(source.extent());
        long[] t = strides(target.extent());
        long sBase = 0;
        long tBase = 0;
        long n = 1;
        for (int i = 0; i < rank; i++) {
            sBase += (common.offset()[i] - source.offset()[i]) * s[i];
            tBase += (common.offset()[i] - target.offset()[i]) * t[i];
            if (i < split) {
                outer[i] = common.extent()[i];
                sourceStrides[i] = s[i];
                targetStrides[i] = t[i];
                n *= outer[i];
            }
        }
        this.sourceBase = sBase;
        this.targetBase = tBase;
        this.runs = n;
    }

    /** Whether the common part lies in one piece on both sides. */
    boolean oneRun() {
        return runs == 1;
    }

    /** Where the common part starts in the target. */
    int targetFirst() {
        return (int) targetBase;
    }

    /** First source element needed. */
    long first() {
        return sourceBase;
    }

    /** One past the last source element needed. */
    long end() {
        return sourceBase + dot(runs - 1, sourceStrides) + run;
    }

    /**
     * Copies what the piece holds. {@code piece} has source elements from {@code at} on; {@code target} is the whole target box.
     * Both have little-endian order.
     */
    void accept(ByteBuffer piece, long at, ByteBuffer target) {
        long pieceEnd = at + piece.remaining() / from.bytes();
        while (index < runs) {
            long start = sourceBase + dot(index, sourceStrides) + insideRun;
            if (start >= pieceEnd) {
                return;
            }
            if (start < at) {
                throw new IllegalStateException("source element " + start + " was passed by; the piece starts at " + at);
            }
            int n = (int) Math.min(run - insideRun, pieceEnd - start);
            copy(piece, (int) (start - at), target, (int) (targetBase + dot(index, targetStrides) + insideRun), n);
            insideRun += n;
            if (insideRun == run) {
                insideRun = 0;
                index++;
            }
        }
    }

    private void copy(ByteBuffer source, int sourceElement, ByteBuffer target, int targetElement, int n) {
        int s = source.position() + sourceElement * from.bytes();
        int t = targetElement * to.bytes();
        if (from == to) {
            target.put(t, source, s, n * from.bytes());
        } else if (from == DType.F32 && to == DType.BF16) {
            for (int i = 0; i < n; i++) {
                target.putShort(t + 2 * i, Host.bfloat16(source.getFloat(s + 4 * i)));
            }
        } else if (from == DType.BF16 && to == DType.F32) {
            for (int i = 0; i < n; i++) {
                target.putFloat(t + 4 * i, Host.toFloat(source.getShort(s + 2 * i)));
            }
        } else {
            throw new IllegalArgumentException("no conversion from " + from + " to " + to);
        }
    }

    private long dot(long flat, long[] strides) {
        long sum = 0;
        for (int i = outer.length - 1; i >= 0; i--) {
            sum += flat % outer[i] * strides[i];
            flat /= outer[i];
        }
        return sum;
    }

    private static long[] strides(long[] extent) {
        long[] strides = new long[extent.length];
        long n = 1;
        for (int i = extent.length - 1; i >= 0; i--) {
            strides[i] = n;
            n *= extent[i];
        }
        return strides;
    }
}
