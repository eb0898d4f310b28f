package org.longhaul.shards;

import com.fasterxml.jackson.annotation.JsonProperty;

/** How a token id lies in a shard: the narrowest unsigned little-endian integer that holds the vocabulary. */
public enum TokenType {
    /** Two bytes an id, for vocabularies of at most 65,536 entries. */
    @JsonProperty("uint16")
    UINT16(2),
    /** Four bytes an id. */
    @JsonProperty("uint32")
    UINT32(4);

    private final int bytes;

    TokenType(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes of one id. */
    public int bytes() {
        return bytes;
    }

    /** The narrowest type for ids 0 … vocabSize − 1. */
    public static TokenType forVocabulary(int vocabSize) {
        if (vocabSize < 1) {
            throw new IllegalArgumentException("vocabulary must be positive: " + vocabSize);
        }
        return vocabSize <= 1 << 16 ? UINT16 : UINT32;
    }
}
