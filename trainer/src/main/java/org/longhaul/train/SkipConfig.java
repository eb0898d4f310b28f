package org.longhaul.train;

import org.longhaul.config.Doc;

/** Samples that a run leaves out by hand. */
@Doc("Samples to leave out.")
public record SkipConfig(
        @Doc("Step behind which they would be read next.") long behindStep,
        @Doc("How many of them.") long samples) {
    /** So many that tokens of any context still fit a long. */
    private static final long MOST = 1L << 40;

    /** Checks the ranges. */
    public SkipConfig {
        if (behindStep < 0) {
            throw new IllegalArgumentException("behind_step must not be negative: " + behindStep);
        }
        if (samples < 1 || samples > MOST) {
            throw new IllegalArgumentException("samples must be 1 to " + MOST + ": " + samples);
        }
    }
}
