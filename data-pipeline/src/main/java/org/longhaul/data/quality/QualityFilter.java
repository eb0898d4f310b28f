package org.longhaul.data.quality;

/** A rule set that judges a text and does not change it. Implementations are thread-safe. */
sealed interface QualityFilter permits GopherQuality, GopherRepetition, FineWebFilter {
    /** Judges one text. */
    Verdict judge(TextView view);
}
