package org.longhaul.data.job;

import org.longhaul.data.Document;

/** What the per-document rules say about a record. */
sealed interface Verdict {
    /** The document as it stands where the decision fell. */
    Document document();

    /**
     * It goes on to deduplication.
     *
     * @param exactHigh first half of the digest of its text that exact duplicates share
     * @param bands one digest for every MinHash band; empty for texts too short to compare
     */
    record Keep(Document document, long exactHigh, long exactLow, long[] bands) implements Verdict {}

    /** It is dropped, by a stage, for a reason; the score is what the rule measured, or NaN. */
    record Drop(Document document, String stage, String reason, double score) implements Verdict {}
}
