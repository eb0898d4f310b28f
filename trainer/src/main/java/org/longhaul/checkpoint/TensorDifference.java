package org.longhaul.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Locale;
import org.longhaul.checkpoint.Boxes.Piece;
import org.longhaul.model.Box;
import org.longhaul.tensor.DType;

/**
 * How far a tensor {@code b} is from a tensor {@code a}.
 *
 * @param name of both
 * @param note what differs beside values: shape, type or presence; empty for nothing
 * @param elements compared
 * @param different elements whose bits differ
 * @param max largest |a-b|
 * @param maxAt the element where it is
 * @param squares sum of (a-b)²
 * @param reference sum of a²
 */
record TensorDifference(String name, String note, long elements, long different, double max, long maxAt, double squares, double reference) {
    private static final long STEP = 4 << 20;

    /** Compares a tensor of two checkpoints, of which one may lack it. */
    static TensorDifference of(Checkpoint a, Checkpoint b, String name) {
        if (!a.has(name) || !b.has(name)) {
            return unlike(name, "only in " + (a.has(name) ? a : b).path());
        }
        Box box = a.box(name);
        if (!Arrays.equals(box.globalShape(), b.box(name).globalShape())) {
            return unlike(name, "shape " + Arrays.toString(box.globalShape()) + " -> " + Arrays.toString(b.box(name).globalShape()));
        }
        Sums sums = new Sums();
        // Piece by piece: both sides of a piece fit in memory, whole tensors need not.
        for (long from = 0; from < box.elements(); from += STEP) {
            for (Piece p : Boxes.flatRange(box, from, Math.min(from + STEP, box.elements()))) {
                sums.add(read(a, p.box()), read(b, p.box()));
            }
        }
        String note = a.dtype(name) == b.dtype(name) ? "" : "type " + a.dtype(name) + " -> " + b.dtype(name);
        return new TensorDifference(name, note, box.elements(), sums.different, sums.max, sums.maxAt, sums.squares, sums.reference);
    }

    private static TensorDifference unlike(String name, String note) {
        return new TensorDifference(name, note, 0, 0, 0, 0, 0, 0);
    }

    /** Same shape, same type, same bits. */
    boolean equal() {
        return note.isEmpty() && different == 0;
    }

    /** Norm of the difference over the norm of {@code a}. */
    double relative() {
        return Math.sqrt(squares / Math.max(reference, Double.MIN_NORMAL));
    }

    /** One line for people. */
    String text() {
        if (different == 0) {
            return note.isEmpty() ? "equal" : elements == 0 ? note : note + ", equal";
        }
        return (note.isEmpty() ? "" : note + ", ") + String.format(Locale.ROOT, "%,d of %,d elements differ, max |a-b| %.3e at %d, |a-b|/|a| %.3e", different,
                elements, max, maxAt, relative());
    }

    private static float[] read(Checkpoint c, Box box) {
        float[] values = new float[(int) box.elements()];
        int[] at = {0};
        try {
            c.stream(box, DType.F32, bytes -> {
                int n = bytes.remaining() / 4;
                bytes.asFloatBuffer().get(values, at[0], n);
                at[0] += n;
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return values;
    }

    private static final class Sums {
        private long seen;
        private long different;
        private double max;
        private long maxAt;
        private double squares;
        private double reference;

        void add(float[] a, float[] b) {
            for (int i = 0; i < a.length; i++) {
                reference += (double) a[i] * a[i];
                if (Float.floatToRawIntBits(a[i]) != Float.floatToRawIntBits(b[i])) {
                    double d = Math.abs((double) a[i] - b[i]);
                    different++;
                    squares += d * d;
                    if (!(d <= max)) {
                        max = d;
                        maxAt = seen + i;
                    }
                }
            }
            seen += a.length;
        }
    }
}
