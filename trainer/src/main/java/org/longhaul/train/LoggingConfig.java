package org.longhaul.train;

import java.time.Duration;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** What a run writes about itself. */
@Doc("What a run writes about itself.")
public record LoggingConfig(
        @Doc("Steps between looks of the host at results with spikes.action watch; skip and rollback look at every step. metrics.jsonl has a line for every step either way.") @Default("1") int every,
        @Doc("Time between progress lines where the output is no terminal.") @Default("10s") Duration plainEvery,
        @Doc("Whether to write TensorBoard event files.") @Default("true") boolean tensorboard,
        @Doc("Steps between reports of tokens by source and language; 0 for none.") @Default("100") int mixtureEvery,
        @Doc("Numbers and health of the running job over HTTP.") MetricsConfig metrics) {
    private static final int MOST = 100_000;

    /** Checks the ranges. */
    public LoggingConfig {
        if (mixtureEvery < 0) {
            throw new IllegalArgumentException("mixture_every must not be negative: " + mixtureEvery);
        }
        if (every < 1) {
            throw new IllegalArgumentException("every must be at least 1 step: " + every);
        }
        if (every > MOST) {
            throw new IllegalArgumentException("every must be at most " + MOST + " steps: " + every);
        }
        if (plainEvery.isNegative()) {
            throw new IllegalArgumentException("plain_every must not be negative: " + plainEvery);
        }
    }
}
