package org.longhaul.trust;

import java.util.Arrays;

/**
 * Tells spikes from noise: a value is one when it is not finite, or lies more than {@code sigma} standard deviations above the
 * mean of the accepted values of the last {@code window} steps and is more than {@code factor} times that mean. Nothing but a non-finite
 * value counts until the window is half full. Its whole state is {@link #state}, so that a resumed run judges as the undisturbed one would.
 */
public final class SpikeDetector {
    private final double[] recent;
    private final double sigma;
    private final double factor;
    private long accepted;

    /** Starts with an empty window. */
    public SpikeDetector(int window, double sigma, double factor) {
        this.recent = new double[window];
        this.sigma = sigma;
        this.factor = factor;
    }

    /**
     * How many standard deviations above the mean the value lies; infinite for a value that is not finite, 0 while the window
     * is not half full.
     */
    public double score(double value) {
        if (!Double.isFinite(value)) {
            return Double.POSITIVE_INFINITY;
        }
        int n = (int) Math.min(accepted, recent.length);
        if (n < recent.length / 2) {
            return 0;
        }
        double mean = mean();
        double squares = 0;
        for (int i = 0; i < n; i++) {
            squares += (recent[i] - mean) * (recent[i] - mean);
        }
        // A flat window would make every rounding error a spike.
        double deviation = Math.max(Math.sqrt(squares / Math.max(1, n - 1)), 1e-6 * Math.abs(mean));
        return deviation == 0 ? 0 : (value - mean) / deviation;
    }

    /** Whether the value is a spike. */
    public boolean spike(double value) {
        return score(value) > sigma && !(value <= factor * mean());
    }

    private double mean() {
        int n = (int) Math.min(accepted, recent.length);
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += recent[i];
        }
        return sum / n;
    }

    /** Takes a value into the window; spikes that were skipped stay out. */
    public void accept(double value) {
        recent[(int) (accepted++ % recent.length)] = value;
    }

    /** The accepted values, oldest first. */
    public double[] state() {
        int n = (int) Math.min(accepted, recent.length);
        double[] values = new double[n];
        for (int i = 0; i < n; i++) {
            values[i] = recent[(int) ((accepted - n + i) % recent.length)];
        }
        return values;
    }

    /** Continues from {@link #state} of an earlier run, whose window may have been longer. */
    public void restore(double[] values) {
        accepted = 0;
        Arrays.fill(recent, 0);
        for (int i = Math.max(0, values.length - recent.length); i < values.length; i++) {
            accept(values[i]);
        }
    }
}
