package org.longhaul.trust;

import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** What to do about steps whose loss or gradient norm leaves the recent range. */
@Doc("Loss and gradient-norm spikes: how they are told from noise, and what happens to the step.")
public record SpikeConfig(
        @Doc("watch only counts spikes; skip drops the step's update (its samples are not seen again); rollback loads a "
                + "checkpoint from before the spike and goes on behind its batches after max_skips skips in a row.")
                @Default("skip") Action action,
        @Doc("Steps the mean and deviation are taken over.") @Default("128") int window,
        @Doc("Standard deviations above the window's mean that make a spike.") @Default("6.0") double sigma,
        @Doc("A gradient norm must also be so many times the window's mean: norms lie close together, so many deviations can be little.")
                @Default("2.0") double normFactor,
        @Doc("Skipped steps in a row that are borne; after one more training rolls back (action rollback) or stops (watch and skip).")
                @Default("8") int maxSkips,
        @Doc("Roll-backs that are borne until training has come a whole window of steps beyond the first; each goes a checkpoint further back.")
                @Default("3") int maxRollbacks) {

    /** What happens at a spike. */
    public enum Action {
        /** Only count it. */
        WATCH,
        /** Drop the update. */
        SKIP,
        /** Drop updates, and after too many in a row load an earlier checkpoint and go on behind the batches. */
        ROLLBACK
    }

    private static final int MOST = 1_000_000;

    /** Checks the numbers. */
    public SpikeConfig {
        if (window < 8) {
            throw new IllegalArgumentException("window must be at least 8 steps: " + window);
        }
        if (window > MOST) {
            throw new IllegalArgumentException("window must be at most " + MOST + " steps: " + window);
        }
        if (!(sigma > 0)) {
            throw new IllegalArgumentException("sigma must be above 0: " + sigma);
        }
        if (!(normFactor >= 1)) {
            throw new IllegalArgumentException("norm_factor must be at least 1: " + normFactor);
        }
        if (maxSkips < 1) {
            throw new IllegalArgumentException("max_skips must be at least 1: " + maxSkips);
        }
        if (maxRollbacks < 1) {
            throw new IllegalArgumentException("max_rollbacks must be at least 1: " + maxRollbacks);
        }
    }
}
