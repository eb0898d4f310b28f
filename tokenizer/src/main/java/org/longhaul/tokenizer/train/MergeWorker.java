package org.longhaul.tokenizer.train;

import java.util.Arrays;

/**
 * Applies one merge at some of its positions and notes what that does to pair counts. One of the two symbols of every changed pair is
 * known, so that changes are kept in arrays indexed by the other one: no hashing per occurrence.
 */
final class MergeWorker {
    private final TrainingWords words;
    private final int[] lengths;
    /** What stood before the merged pairs, and what behind them. */
    final Side before;
    final Side after;

    /** What one worker saw on one side of the pairs it merged. */
    static final class Side {
        /** How often a symbol stood there, by symbol. */
        final long[] counts;
        /** At how many positions it did. */
        final int[] occurrences;
        /** Where the position of the symbol's next one goes in the list of its new pair; -1 for nowhere. */
        final long[] places;
        /** The symbols that stood there, in order of first occurrence. */
        int[] symbols = new int[256];
        int symbolsSize;
        /** Symbol in the upper, position of the merged one in the lower half. */
        long[] log = new long[256];
        int logSize;

        private Side(int vocabulary) {
            counts = new long[vocabulary];
            occurrences = new int[vocabulary];
            places = new long[vocabulary];
        }

        private void add(int symbol, int position, long count) {
            if (counts[symbol] == 0) {
                if (symbolsSize == symbols.length) {
                    symbols = Arrays.copyOf(symbols, symbolsSize * 2);
                }
                symbols[symbolsSize++] = symbol;
            }
            counts[symbol] += count;
            occurrences[symbol]++;
            if (logSize == log.length) {
                log = Arrays.copyOf(log, logSize * 2);
            }
            log[logSize++] = PairTable.pair(symbol, 0) | position & 0xFFFFFFFFL;
        }

        /** Forgets all. */
        void clear() {
            for (int i = 0; i < symbolsSize; i++) {
                counts[symbols[i]] = 0;
                occurrences[symbols[i]] = 0;
            }
            symbolsSize = 0;
            logSize = 0;
            if (log.length > 1 << 22) {
                log = new long[256];
            }
        }
    }

    MergeWorker(TrainingWords words, TrainingTokens tokens) {
        this.words = words;
        lengths = tokens.lengths;
        before = new Side(tokens.capacity());
        after = new Side(tokens.capacity());
    }

    /** Merges (first, second) into {@code merged} at the positions {@code list[from, to)}, ascending, wherever it still stands there. */
    void merge(int[] list, int from, int to, int first, int second, int merged) {
        int firstLength = lengths[first];
        int secondLength = lengths[second];
        for (int i = from; i < to; i++) {
            int position = list[i];
            int middle = position + firstLength;
            if (words.at(position) != first || words.at(middle) != second) {
                continue;
            }
            int end = middle + secondLength;
            long count = words.counts.at(position & 0xFFFFFFFFL);
            int left = words.at(position - 1);
            if (left >= 0) {
                before.add(left, position, count);
            }
            int right = words.at(end);
            if (right >= 0) {
                after.add(right, position, count);
            }
            words.set(position, merged);
            // Where the second symbol began none begins any more, unless it is one cell and the next line overwrites it.
            words.set(middle, TrainingWords.INSIDE);
            words.set(end - 1, merged);
        }
    }

    /** Fills the lists of the new pairs. */
    void fill(IntArena lists) {
        for (int i = 0; i < before.logSize; i++) {
            int symbol = (int) (before.log[i] >>> 32);
            long at = before.places[symbol];
            if (at >= 0) {
                lists.chunk(at)[IntArena.index(at)] = (int) before.log[i] - lengths[symbol];
                before.places[symbol] = at + 1;
            }
        }
        for (int i = 0; i < after.logSize; i++) {
            int symbol = (int) (after.log[i] >>> 32);
            long at = after.places[symbol];
            if (at >= 0) {
                lists.chunk(at)[IntArena.index(at)] = (int) after.log[i];
                after.places[symbol] = at + 1;
            }
        }
    }

    void clear() {
        before.clear();
        after.clear();
    }
}
