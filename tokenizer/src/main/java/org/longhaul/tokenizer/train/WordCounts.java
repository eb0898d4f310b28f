package org.longhaul.tokenizer.train;

/** Distinct pieces of a corpus with how often each occurs; in memory or streamed from sorted runs on disk. */
public interface WordCounts {
    /** Passes every distinct word once. */
    void forEach(Visitor visitor);

    /** Receives words; the bytes are valid during the call only. */
    interface Visitor {
        /** One word, {@code bytes[from, from + length)}, with its number of occurrences, at least 1. */
        void word(byte[] bytes, int from, int length, long count);
    }
}
