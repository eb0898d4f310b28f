package org.longhaul.tokenizer;

import java.util.Arrays;

/** Open addressing from a non-negative long, such as a packed pair of symbols, to a non-negative int; -1 means absent. */
final class LongIntMap {
    private long[] keys;
    private int[] values;
    private int shift;
    private int size;

    LongIntMap(int expected) {
        int capacity = Integer.highestOneBit(Math.max(8, expected) * 2 - 1) * 2;
        allocate(capacity);
    }

    private void allocate(int capacity) {
        keys = new long[capacity];
        Arrays.fill(keys, -1);
        values = new int[capacity];
        shift = 64 - Integer.numberOfTrailingZeros(capacity);
    }

    static long pair(int left, int right) {
        return (long) left << 32 | right;
    }

    int get(long key) {
        long[] table = keys;
        int mask = table.length - 1;
        int at = slot(key);
        while (true) {
            long k = table[at];
            if (k == key) {
                return values[at];
            }
            if (k < 0) {
                return -1;
            }
            at = at + 1 & mask;
        }
    }

    /** Stores unless the key is there already; returns the value that was there, else -1. */
    int putIfAbsent(long key, int value) {
        int mask = keys.length - 1;
        int at = slot(key);
        while (keys[at] >= 0) {
            if (keys[at] == key) {
                return values[at];
            }
            at = at + 1 & mask;
        }
        keys[at] = key;
        values[at] = value;
        if (++size > keys.length / 2) {
            long[] oldKeys = keys;
            int[] oldValues = values;
            allocate(oldKeys.length * 2);
            size = 0;
            for (int i = 0; i < oldKeys.length; i++) {
                if (oldKeys[i] >= 0) {
                    putIfAbsent(oldKeys[i], oldValues[i]);
                }
            }
        }
        return -1;
    }

    private int slot(long key) {
        return (int) (key * 0x9E3779B97F4A7C15L >>> shift);
    }
}
