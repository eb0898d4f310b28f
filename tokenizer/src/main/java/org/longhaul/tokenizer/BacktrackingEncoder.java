package org.longhaul.tokenizer;

import java.util.Arrays;

/**
 * Encodes in linear time: takes the longest token that the bytes start with, tries shorter ones where it cannot stand beside
 * the token before it, and steps back where none can. A sequence of tokens in which every neighbouring pair is
 * {@linkplain MergeRules#compatible compatible} is the one that merging makes, and positions found to be dead ends are not tried
 * again. Needs one bit of scratch a byte.
 */
final class BacktrackingEncoder implements PieceEncoder {
    private static final int MEMO_BITS = 14;

    private final MergeRules rules;
    /** Answers of {@link MergeRules#compatible}: pair shifted left by one, plus the answer; direct mapped. */
    private final long[] memo = new long[1 << MEMO_BITS];
    private long[] dead = new long[16];

    BacktrackingEncoder(MergeRules rules) {
        this.rules = rules;
        Arrays.fill(memo, -1);
    }

    @Override
    public void encode(byte[] text, int from, int to, TokenBuffer out) {
        MergeRules r = rules;
        int token = r.trie.longest(text, from, to);
        if (token >= 0 && r.lengths[token] == to - from) {
            out.add(r.ids[token]);
            return;
        }
        int words = (to - from >> 6) + 1;
        if (dead.length < words) {
            dead = new long[words + (words >> 1)];
        } else {
            Arrays.fill(dead, 0, words, 0);
        }
        int start = out.size;
        int at = from;
        while (true) {
            if (token < 0) {
                throw missing(text, at);
            }
            int end = at + r.lengths[token];
            if (!isDead(end - from) && (out.size == start || compatible(out.ids[out.size - 1], token))) {
                out.add(token);
                at = end;
                if (at == to) {
                    break;
                }
                token = r.trie.longest(text, at, to);
            } else if (r.prefixes[token] >= 0) {
                token = r.prefixes[token];
            } else if (out.size == start) {
                throw missing(text, at);
            } else {
                dead[at - from >> 6] |= 1L << (at - from);
                token = out.ids[--out.size];
                at -= r.lengths[token];
            }
        }
        for (int i = start; i < out.size; i++) {
            out.ids[i] = r.ids[out.ids[i]];
        }
    }

    private boolean isDead(int offset) {
        return (dead[offset >> 6] & 1L << offset) != 0;
    }

    private boolean compatible(int a, int b) {
        long pair = LongIntMap.pair(a, b);
        int slot = (int) (pair * 0x9E3779B97F4A7C15L >>> 64 - MEMO_BITS);
        long known = memo[slot];
        if (known >> 1 == pair) {
            return (known & 1) != 0;
        }
        boolean answer = rules.compatible(a, b);
        memo[slot] = pair << 1 | (answer ? 1 : 0);
        return answer;
    }

    static MissingByteException missing(byte[] text, int at) {
        return new MissingByteException(text[at] & 0xFF, at);
    }
}
