package org.longhaul.trust;

import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** When a rank counts as slow. */
@Doc("A rank that computes slowly holds up all others; it is named.")
public record StragglerConfig(
        @Doc("Steps between measured ones, of which all ranks compare computing, waiting and reading time; 0 measures none.")
                @Default("50") int every,
        @Doc("Computing time over the median of the ranks with the same work, or in a pipeline without replicas over what the rank's own first "
                        + "measured steps make expect, from which a rank is slow.")
                @Default("1.15") double ratio,
        @Doc("The same over the rank's share of the planned FLOPs at the other ranks' speed, where no rank has the same work.")
                @Default("1.5") double planRatio,
        @Doc("Measured steps in a row for which it must be.") @Default("3") int looks) {
    /** Checks the ranges. */
    public StragglerConfig {
        if (every < 0) {
            throw new IllegalArgumentException("every must not be negative: " + every);
        }
        if (!(ratio > 1)) {
            throw new IllegalArgumentException("ratio must be above 1: " + ratio);
        }
        if (!(planRatio > 1)) {
            throw new IllegalArgumentException("plan_ratio must be above 1: " + planRatio);
        }
        if (looks < 1) {
            throw new IllegalArgumentException("looks must be at least 1: " + looks);
        }
    }
}
