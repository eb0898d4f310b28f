package org.longhaul.batch;

import java.util.SortedMap;

/** Where the tokens of a {@link TokenSource} come from. Safe for several threads. */
public interface TokenOrigins {
    /** Receives counts. */
    interface Sink {
        /** So many tokens of a source in a language. */
        void add(String source, String language, long tokens);
    }

    /** Tells the origins of tokens {@code position} to {@code position + count}. */
    void count(long position, long count, Sink sink);

    /** Share of each source among all tokens; together 1. */
    SortedMap<String, Double> sources();

    /** Share of each language among all tokens; together 1. */
    SortedMap<String, Double> languages();
}
