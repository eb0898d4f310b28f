package org.longhaul.train;

import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** How many sequences make a step. */
@Doc("How many sequences make an optimizer step, and how many go through the model at once.")
public record BatchConfig(
        @Doc("Sequences of one step over all ranks.") int sequences,
        @Doc("Sequences of one forward and backward on one rank; the rest of a step is accumulated.") @Default("1")
                int microBatch) {
    private static final int MOST = 1 << 20;

    /** Checks the ranges. */
    public BatchConfig {
        if (sequences < 1 || microBatch < 1) {
            throw new IllegalArgumentException("sequences and micro_batch must be at least 1: " + sequences + ", " + microBatch);
        }
        if (sequences > MOST) {
            throw new IllegalArgumentException("sequences must be at most " + MOST + ": " + sequences);
        }
        if (sequences % microBatch != 0) {
            throw new IllegalArgumentException("sequences must be a multiple of micro_batch: " + sequences + " and " + microBatch);
        }
    }

    /** Micro-batches of a step on each of {@code dataRanks} replicas. */
    public int accumulation(int dataRanks) {
        long unit = (long) microBatch * dataRanks;
        if (sequences % unit != 0) {
            long below = sequences / unit * unit;
            throw new IllegalArgumentException("batch.sequences must be a multiple of micro_batch × data-parallel ranks: " + sequences
                    + " for " + microBatch + " × " + dataRanks + "; " + (below > 0 ? below + " or " : "") + (below + unit) + " would do");
        }
        return sequences / (microBatch * dataRanks);
    }
}
