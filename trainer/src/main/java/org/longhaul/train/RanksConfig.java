package org.longhaul.train;

import java.time.Duration;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** How the processes of a job meet and watch each other. */
@Doc("How the processes of a job meet and watch each other.")
public record RanksConfig(
        @Doc("How long to wait for all processes to start and meet.") @Default("5m") Duration joinTimeout,
        @Doc("How long a collective may take before the missing rank is named and the job ends for a restart; longer than the "
                + "slowest step and checkpoint load.") @Default("10m") Duration stallTimeout,
        @Doc("Steps between comparisons of what data-parallel ranks, and tensor-parallel ranks for norm weights, should hold bit for "
                + "bit alike; 0 never compares.") @Default("500") int hashEvery,
        @Doc("Sum gradients over data-parallel ranks bucket by bucket behind the last micro-batch's backward, not after it.")
                @Default("true") boolean overlapReduce,
        @Doc("Bring updated weights together bucket by bucket ahead of the next forward, not all at once after the update.")
                @Default("true") boolean overlapGather) {
    /** Checks the ranges. */
    public RanksConfig {
        if (joinTimeout.isNegative() || joinTimeout.isZero() || stallTimeout.isNegative() || stallTimeout.isZero()) {
            throw new IllegalArgumentException("join_timeout and stall_timeout must be above 0: " + joinTimeout + ", " + stallTimeout);
        }
        if (hashEvery < 0) {
            throw new IllegalArgumentException("hash_every must not be negative: " + hashEvery);
        }
    }
}
