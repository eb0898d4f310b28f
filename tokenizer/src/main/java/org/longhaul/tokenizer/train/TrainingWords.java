package org.longhaul.tokenizer.train;

import java.util.Arrays;

/** The distinct words as sequences of symbols, which merges shorten in place. */
final class TrainingWords {
    private final IntArena arena = new IntArena();
    /** Address of the length of every word, its symbols behind it. */
    private long[] addresses = new long[1 << 12];
    private long[] counts = new long[1 << 12];
    private int size;

    /** Adds a word; symbols below zero are left out, words of fewer than two symbols are not kept. */
    void add(byte[] bytes, int from, int length, long count, int[] symbolOfByte) {
        int kept = 0;
        for (int i = from; i < from + length; i++) {
            kept += symbolOfByte[bytes[i] & 0xFF] >= 0 ? 1 : 0;
        }
        if (kept < 2) {
            return;
        }
        long address = allocate(kept, count);
        int[] chunk = arena.chunk(address);
        int at = IntArena.index(address) + 1;
        for (int i = from; i < from + length; i++) {
            int symbol = symbolOfByte[bytes[i] & 0xFF];
            if (symbol >= 0) {
                chunk[at++] = symbol;
            }
        }
    }

    /** Adds a word that is symbols already. */
    void add(int[] symbols, int length, long count) {
        if (length >= 2) {
            long address = allocate(length, count);
            System.arraycopy(symbols, 0, arena.chunk(address), IntArena.index(address) + 1, length);
        }
    }

    private long allocate(int length, long count) {
        if (size == addresses.length) {
            addresses = Arrays.copyOf(addresses, size + (size >> 1));
            counts = Arrays.copyOf(counts, size + (size >> 1));
        }
        long address = arena.allocate(length + 1);
        arena.chunk(address)[IntArena.index(address)] = length;
        addresses[size] = address;
        counts[size++] = count;
        return address;
    }

    int size() {
        return size;
    }

    long count(int word) {
        return counts[word];
    }

    /** The array that holds the word. */
    int[] chunk(int word) {
        return arena.chunk(addresses[word]);
    }

    /** Where in {@link #chunk} the length of the word stands, its symbols behind it. */
    int index(int word) {
        return IntArena.index(addresses[word]);
    }

    interface Window {
        void pair(int left, int right, int word);
    }

    /** Passes all neighbours of all words, word by word, from the left. */
    void forEachWindow(Window window) {
        for (int word = 0; word < size; word++) {
            int[] s = chunk(word);
            int head = index(word);
            for (int i = head + 1; i < head + s[head]; i++) {
                window.pair(s[i], s[i + 1], word);
            }
        }
    }

    /** How many neighbours there are. */
    long windows() {
        long windows = 0;
        for (int word = 0; word < size; word++) {
            windows += chunk(word)[index(word)] - 1;
        }
        return windows;
    }
}
