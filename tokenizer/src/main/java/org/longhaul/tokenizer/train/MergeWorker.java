package org.longhaul.tokenizer.train;

import java.util.Arrays;

/**
 * Applies one merge to some of the words and notes what that does to pair counts. One of the two symbols of every changed pair is
 * known, so that changes are kept in arrays indexed by the other one: no hashing per occurrence.
 */
final class MergeWorker {
    /** Kinds of pairs whose count changes: (x, first), (second, x), (x, new), (new, x). */
    static final int BEFORE_FIRST = 0;
    static final int AFTER_SECOND = 1;
    static final int BEFORE_NEW = 2;
    static final int AFTER_NEW = 3;

    private final TrainingWords words;
    private final int[] tokenLengths;
    private final int maxTokenLength;
    /** Change of the count, by kind and symbol. */
    final long[][] deltas;
    /** Slots in use: kind * symbols + symbol, in order of first use. */
    int[] touched = new int[1024];
    int touchedSize;
    /** For the two kinds of new pairs: how many words got one, and the last of them. */
    final int[][] wordCounts;
    private final int[][] lastWord;
    private final boolean[][] seen;
    private final long[][] places = new long[4][];
    /** Log of (slot, word) for new pairs. */
    int[] logSlots = new int[1024];
    int[] logWords = new int[1024];
    int logSize;
    private final int symbols;

    MergeWorker(TrainingWords words, int symbols, int[] tokenLengths, int maxTokenLength) {
        this.words = words;
        this.symbols = symbols;
        this.tokenLengths = tokenLengths;
        this.maxTokenLength = maxTokenLength;
        deltas = new long[4][symbols];
        seen = new boolean[4][symbols];
        wordCounts = new int[][] {null, null, new int[symbols], new int[symbols]};
        lastWord = new int[][] {null, null, new int[symbols], new int[symbols]};
        places[BEFORE_NEW] = new long[symbols];
        places[AFTER_NEW] = new long[symbols];
    }

    /** Merges (first, second) into {@code merged}, left to right, in the words {@code list[from, to)}. */
    void merge(int[] list, int from, int to, int first, int second, int merged) {
        for (int i = from; i < to; i++) {
            merge(list[i], first, second, merged);
        }
    }

    private void merge(int word, int first, int second, int merged) {
        int[] s = words.chunk(word);
        int head = words.index(word);
        int end = head + 1 + s[head];
        long count = words.count(word);
        int length = tokenLengths[merged];
        int write = head + 1;
        int read = head + 1;
        while (read < end) {
            if (s[read] != first || read + 1 >= end || s[read + 1] != second) {
                s[write++] = s[read++];
                continue;
            }
            if (write > head + 1) {
                int before = s[write - 1];
                change(BEFORE_FIRST, before, -count);
                if ((long) tokenLengths[before] + length < maxTokenLength) {
                    appear(BEFORE_NEW, before, count, word);
                }
            }
            read += 2;
            if (read < end) {
                int after = s[read];
                change(AFTER_SECOND, after, -count);
                if ((long) tokenLengths[after] + length < maxTokenLength) {
                    // (new, new) is one pair, whichever side it is seen from.
                    appear(after == merged ? BEFORE_NEW : AFTER_NEW, after, count, word);
                }
            }
            s[write++] = merged;
        }
        s[head] = write - head - 1;
    }

    private void change(int kind, int symbol, long delta) {
        deltas[kind][symbol] += delta;
        if (!seen[kind][symbol]) {
            touch(kind, symbol);
        }
    }

    private void touch(int kind, int symbol) {
        seen[kind][symbol] = true;
        if (touchedSize == touched.length) {
            touched = Arrays.copyOf(touched, touchedSize * 2);
        }
        touched[touchedSize++] = kind * symbols + symbol;
        if (kind >= BEFORE_NEW) {
            lastWord[kind][symbol] = -1;
            wordCounts[kind][symbol] = 0;
        }
    }

    private void appear(int kind, int symbol, long delta, int word) {
        change(kind, symbol, delta);
        if (lastWord[kind][symbol] != word) {
            lastWord[kind][symbol] = word;
            wordCounts[kind][symbol]++;
            if (logSize == logSlots.length) {
                logSlots = Arrays.copyOf(logSlots, logSize * 2);
                logWords = Arrays.copyOf(logWords, logSize * 2);
            }
            logSlots[logSize] = kind * symbols + symbol;
            logWords[logSize++] = word;
        }
    }

    boolean isTouched(int kind, int symbol) {
        return seen[kind][symbol];
    }

    /** Says where the words of a new pair go, -1 for nowhere, and marks it as done. */
    void place(int kind, int symbol, long address) {
        wordCounts[kind][symbol] = -1;
        places[kind][symbol] = address;
    }

    /** The place of the next word of a new pair. */
    long nextPlace(int slot) {
        long[] row = places[kind(slot)];
        int symbol = symbol(slot);
        return row[symbol] < 0 ? -1 : row[symbol]++;
    }

    int kind(int slot) {
        return slot / symbols;
    }

    int symbol(int slot) {
        return slot % symbols;
    }

    /** Forgets the changes. */
    void clear() {
        for (int i = 0; i < touchedSize; i++) {
            int kind = kind(touched[i]);
            int symbol = symbol(touched[i]);
            deltas[kind][symbol] = 0;
            seen[kind][symbol] = false;
        }
        touchedSize = 0;
        logSize = 0;
        if (logSlots.length > 1 << 22) {
            logSlots = new int[1024];
            logWords = new int[1024];
        }
    }
}
