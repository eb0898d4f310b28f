package org.longhaul.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import org.longhaul.checkpoint.Boxes.Piece;
import org.longhaul.model.Box;
import org.longhaul.tensor.DType;

/**
 * How far a tensor is from another one.
 *
 * @param equal same shape and same bits
 * @param text for people
 */
record TensorDifference(boolean equal, String text) {
    private static final long STEP = 4 << 20;

    static TensorDifference of(Checkpoint a, Checkpoint b, String name) {
        Box box = a.box(name);
        if (!Arrays.equals(box.globalShape(), b.box(name).globalShape())) {
            return new TensorDifference(false, "shape " + Arrays.toString(box.globalShape()) + " -> "
                    + Arrays.toString(b.box(name).globalShape()));
        }
        boolean sameType = a.dtype(name) == b.dtype(name);
        Sums sums = new Sums();
        // Piece by piece: both sides of a piece fit in memory, whole tensors need not.
        for (long from = 0; from < box.elements(); from += STEP) {
            for (Piece p : Boxes.flatRange(box, from, Math.min(from + STEP, box.elements()))) {
                sums.add(read(a, p.box()), read(b, p.box()));
            }
        }
        String type = sameType ? "" : "type " + a.dtype(name) + " -> " + b.dtype(name) + ", ";
        if (sums.different == 0) {
            return new TensorDifference(sameType, type + "equal");
        }
        return new TensorDifference(false, type + "%,d of %,d elements differ, max |a-b| %.3e at %d, |a-b|/|a| %.3e".formatted(
                sums.different, box.elements(), sums.max, sums.maxAt, Math.sqrt(sums.squares / Math.max(sums.reference, Double.MIN_NORMAL))));
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
