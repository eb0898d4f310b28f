package org.longhaul.train;

import java.time.Duration;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** What a run writes about itself. */
@Doc("What a run writes about itself.")
public record LoggingConfig(
        @Doc("Steps between lines of metrics.jsonl; on a GPU also how often the host looks at results.") @Default("1") int every,
        @Doc("Time between progress lines where the output is no terminal.") @Default("10s") Duration plainEvery,
        @Doc("Whether to write TensorBoard event files.") @Default("true") boolean tensorboard) {
    /** Checks the range. */
    public LoggingConfig {
        if (every < 1) {
            throw new IllegalArgumentException("every must be at least 1 step: " + every);
        }
    }
}
