package org.longhaul.picture;

import java.util.stream.DoubleStream;

/**
 * A linear axis.
 *
 * @param from lowest value
 * @param to highest value, above from
 * @param start pixel of the lowest value
 * @param end pixel of the highest
 */
public record Axis(double from, double to, double start, double end) {
    public Axis {
        if (!(to > from)) {
            throw new IllegalArgumentException("an axis must go upwards: " + from + " to " + to);
        }
    }

    /** Pixel of a value; values beyond the ends are put on them. */
    public double at(double value) {
        return start + (end - start) * (Math.min(to, Math.max(from, value)) - from) / (to - from);
    }

    /** Round values on the axis, at most so many: multiples of 1, 2 or 5 times a power of ten. */
    public double[] ticks(int most) {
        double step = Math.pow(10, Math.floor(Math.log10((to - from) / most)));
        for (double factor : new double[] {1, 2, 5, 10, 20}) {
            if ((to - from) / (step * factor) < most) {
                step *= factor;
                break;
            }
        }
        double width = step;
        long first = (long) Math.ceil(from / width - 1e-9);
        return DoubleStream.iterate(first, i -> i * width <= to + width * 1e-9, i -> i + 1).map(i -> i * width).toArray();
    }
}
