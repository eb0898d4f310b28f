package org.longhaul.shards;

/**
 * Documents, tokens (end-of-document tokens included) and UTF-8 bytes of text, of a shard, a source or a language.
 */
public record Counts(long documents, long tokens, long bytes) {
    /** Nothing yet. */
    public static final Counts ZERO = new Counts(0, 0, 0);

    /** The sum. */
    public Counts plus(Counts other) {
        return new Counts(documents + other.documents, tokens + other.tokens, bytes + other.bytes);
    }
}
