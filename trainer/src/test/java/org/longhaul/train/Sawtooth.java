package org.longhaul.train;

import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.longhaul.batch.TokenOrigins;
import org.longhaul.batch.TokenSource;

/** A made-up language: runs that count upwards, each from a start that looks random. */
record Sawtooth(long tokens) implements TokenSource {
    @Override
    public void read(long position, int[] target, int offset, int count) {
        for (int i = 0; i < count; i++) {
            long p = position + i;
            long run = p / 11;
            target[offset + i] = (int) ((run * 2654435761L >>> 7) % 80 + p % 11);
        }
    }

    /** Documents end after tokens 0, 1, 13, 32 and 60 of every 61: some as long as a sequence, some of one token. */
    @Override
    public void documentStarts(long position, int[] starts, int offset, int count) {
        for (int i = 0; i < count; i++) {
            long p = position + i;
            int within = (int) (p % 61);
            int first = within > 32 ? 33 : within > 13 ? 14 : within > 1 ? 2 : within;
            starts[offset + i] = (int) Math.max(0, p - within + first - position);
        }
    }

    /** The source of a token: stretches of uneven lengths. */
    static String source(long position) {
        return position % 1000 < 37 ? "code" : position % 700 < 400 ? "web" : "books";
    }

    /** Its language. */
    static String language(long position) {
        return position % 311 < 100 ? "de" : "en";
    }

    /** Every token's origin by itself. */
    TokenOrigins origins() {
        return new TokenOrigins() {
            @Override
            public void count(long position, long count, Sink sink) {
                for (long p = position; p < position + count; p++) {
                    sink.add(source(p), language(p), 1);
                }
            }

            @Override
            public SortedMap<String, Double> sources() {
                return new TreeMap<>(Map.of("code", 0.037, "web", 0.55, "books", 0.413));
            }

            @Override
            public SortedMap<String, Double> languages() {
                return new TreeMap<>(Map.of("de", 0.32, "en", 0.68));
            }
        };
    }
}
