package org.longhaul.tokenizer;

import java.util.Arrays;

/**
 * The merges of a vocabulary in which every token has one merge, later than those of its parts, and its own bytes encode to it
 * alone: what every trainer makes. Symbols are 0-255 for bytes and 256 + rank for merges, so that symbols compare as ranks do.
 */
final class MergeRules {
    final TokenTrie trie;
    /** Vocabulary id of every symbol. */
    final int[] ids;
    /** Length in bytes of every symbol. */
    final int[] lengths;
    /** The longest shorter symbol that a symbol starts with, or -1. */
    final int[] prefixes;
    private final int[] left;
    private final int[] right;
    private final LongIntMap merges;

    private MergeRules(TokenTrie trie, int[] ids, byte[][] bytes, int[] left, int[] right, LongIntMap merges) {
        this.trie = trie;
        this.ids = ids;
        this.left = left;
        this.right = right;
        this.merges = merges;
        lengths = Arrays.stream(bytes).mapToInt(b -> b == null ? 1 : b.length).toArray();
        prefixes = Arrays.stream(bytes).mapToInt(b -> b == null || b.length == 1 ? -1 : trie.longestProperPrefix(b)).toArray();
    }

    /** The rules of a model, or null when its merges are not of this form (several merges for one token, unreachable tokens). */
    static MergeRules of(BpeModel model) {
        int merges = model.left().length;
        int symbols = 256 + merges;
        int[] symbolOf = new int[model.tokens().length];
        Arrays.fill(symbolOf, -1);
        int[] ids = new int[symbols];
        byte[][] bytes = new byte[symbols][];
        int[] left = new int[symbols];
        int[] right = new int[symbols];
        for (int b = 0; b < 256; b++) {
            ids[b] = model.byteIds()[b];
            left[b] = b;
            right[b] = b;
            if (ids[b] >= 0) {
                symbolOf[ids[b]] = b;
                bytes[b] = new byte[] {(byte) b};
            }
        }
        LongIntMap table = new LongIntMap(merges);
        for (int i = 0; i < merges; i++) {
            int symbol = 256 + i;
            int id = model.merged()[i];
            left[symbol] = symbolOf[model.left()[i]];
            right[symbol] = symbolOf[model.right()[i]];
            if (symbolOf[id] >= 0 || left[symbol] < 0 || right[symbol] < 0
                    || table.putIfAbsent(LongIntMap.pair(left[symbol], right[symbol]), symbol) >= 0) {
                return null;
            }
            symbolOf[id] = symbol;
            ids[symbol] = id;
            bytes[symbol] = model.tokens()[id];
        }
        if (model.ignoreMerges() && !allReachable(model, symbolOf)) {
            return null;
        }
        MergeRules rules = new MergeRules(new TokenTrie(bytes), ids, bytes, left, right, table);
        for (int symbol = 256; symbol < symbols; symbol++) {
            if (!rules.compatible(left[symbol], right[symbol], symbol)) {
                return null;
            }
        }
        return rules;
    }

    private static boolean allReachable(BpeModel model, int[] symbolOf) {
        boolean[] added = model.addedIds();
        for (int id = 0; id < symbolOf.length; id++) {
            if (symbolOf[id] < 0 && model.tokens()[id] != null && !added[id]) {
                return false;
            }
        }
        return true;
    }

    /** Whether the bytes of a followed by the bytes of b encode to exactly a, b. */
    boolean compatible(int a, int b) {
        return compatible(a, b, Integer.MAX_VALUE);
    }

    /**
     * Takes the two symbols apart in the reverse order of merging and asks at each step whether the symbols that face each other
     * across the boundary would have merged earlier than what has just been undone, at rank below {@code limit}.
     */
    private boolean compatible(int a, int b, int limit) {
        while (true) {
            int merged = merges.get(LongIntMap.pair(a, b));
            if (merged >= 0 && merged < limit) {
                return false;
            }
            if (a > b) {
                // Of equal ranks the left one merges first, hence "below a" here and "up to b" on the other side.
                int part = right[a];
                if (part != a) {
                    limit = a;
                    a = part;
                    continue;
                }
                if (left[b] == b) {
                    return true;
                }
                limit = b + 1;
                b = left[b];
            } else {
                int part = left[b];
                if (part != b) {
                    limit = b + 1;
                    b = part;
                    continue;
                }
                if (right[a] == a) {
                    return true;
                }
                limit = a;
                a = right[a];
            }
        }
    }
}
