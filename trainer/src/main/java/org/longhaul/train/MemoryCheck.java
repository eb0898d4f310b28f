package org.longhaul.train;

import java.util.Locale;
import java.util.Optional;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.tensor.Backend;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compares what the plan says of this rank's memory with what the device has given away, once: after the second step, when kernels
 * are loaded, products tuned and graphs recorded. Nothing is allocated later, so that is the peak.
 */
final class MemoryCheck {
    private static final Logger LOG = LoggerFactory.getLogger(MemoryCheck.class);
    private static final int STEPS = 2;
    private static final double TOLERANCE = 0.02;
    /** Below this the small things that no plan names may weigh more than that. */
    private static final long SLACK = 64L << 20;

    private final TrainConfig config;
    private final Backend backend;
    private final MeshGroups groups;
    private int steps;

    /**
     * Both sides.
     *
     * @param planned bytes by {@link RankMemory}
     * @param used bytes taken since the device was opened
     */
    record Seen(long planned, long used) {
        /** What more was used than planned, as a part of the plan. */
        double excess() {
            return (double) (used - planned) / planned;
        }

        /** Whether the plan was too small by more than it may be. */
        boolean beyond() {
            return used - planned > Math.max(TOLERANCE * planned, SLACK);
        }

        @Override
        public String toString() {
            double gib = 1L << 30;
            return String.format(Locale.ROOT, "planned %.2f GiB, used %.2f GiB (%+.1f %%)", planned / gib, used / gib, 100 * excess());
        }
    }

    MemoryCheck(TrainConfig config, Backend backend, MeshGroups groups) {
        this.config = config;
        this.backend = backend;
        this.groups = groups;
    }

    /** After each step; answers once, and warns where the plan does not hold. Empty where the device does not tell. */
    Optional<Seen> step() {
        if (++steps != STEPS) {
            return Optional.empty();
        }
        long used = backend.usedBytes();
        if (used < 0) {
            return Optional.empty();
        }
        RankMemory plan = RankMemory.of(config, groups.mesh()).get(groups.stage());
        Seen seen = new Seen(plan.total(), used);
        if (seen.beyond()) {
            LOG.warn("memory of rank {}: {}, more than the plan by over {} %; held: {}", groups.rank(), seen, Math.round(100 * TOLERANCE),
                    backend.held());
        } else if (groups.rank() == 0) {
            LOG.info("memory of rank 0: {}", seen);
        }
        return Optional.of(seen);
    }
}
