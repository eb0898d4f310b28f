package org.longhaul.schedule;

/** Range checks shared by the schedules. */
final class Ranges {
    private static final double MOST = 100;

    private Ranges() {}

    static void peak(double peak) {
        if (!(peak > 0 && Double.isFinite(peak))) {
            throw new IllegalArgumentException("peak must be above 0: " + peak);
        }
        if (peak > MOST || peak < Float.MIN_NORMAL) {
            throw new IllegalArgumentException("peak must be at most " + MOST + " and above 0 in single precision: " + peak);
        }
    }

    static void warmup(long steps) {
        if (steps < 0) {
            throw new IllegalArgumentException("warmup_steps must not be negative: " + steps);
        }
    }

    static void factor(String key, double factor) {
        if (!(factor >= 0 && factor <= 1)) {
            throw new IllegalArgumentException(key + " must lie in [0, 1]: " + factor);
        }
    }
}
