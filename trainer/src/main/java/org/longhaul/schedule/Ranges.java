package org.longhaul.schedule;

/** Range checks shared by the schedules. */
final class Ranges {
    private Ranges() {}

    static void peak(double peak) {
        if (!(peak > 0 && Double.isFinite(peak))) {
            throw new IllegalArgumentException("peak must be above 0: " + peak);
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
