package org.longhaul.tokenizer.train;

import java.util.Arrays;

/** 64-bit counts of symbol pairs, open addressing; a pair whose count falls to zero leaves the table. */
final class PairTable {
    private long[] keys;
    private long[] counts;
    private int shift;
    private int size;

    PairTable() {
        allocate(1 << 12);
    }

    private void allocate(int capacity) {
        keys = new long[capacity];
        Arrays.fill(keys, -1);
        counts = new long[capacity];
        shift = 64 - Integer.numberOfTrailingZeros(capacity);
    }

    static long pair(int left, int right) {
        return (long) left << 32 | right;
    }

    long get(long key) {
        int at = find(key);
        return at < 0 ? 0 : counts[at];
    }

    /** Adds to the count and returns it. */
    long add(long key, long delta) {
        int mask = keys.length - 1;
        int at = slot(key);
        for (; keys[at] >= 0; at = at + 1 & mask) {
            if (keys[at] == key) {
                counts[at] += delta;
                long count = counts[at];
                if (count == 0) {
                    remove(at);
                }
                return count;
            }
        }
        if (delta != 0) {
            keys[at] = key;
            counts[at] = delta;
            if (++size > keys.length / 5 * 3) {
                grow();
            }
        }
        return delta;
    }

    interface Visitor {
        void pair(long pair, long count);
    }

    void forEach(Visitor visitor) {
        for (int i = 0; i < keys.length; i++) {
            if (keys[i] >= 0) {
                visitor.pair(keys[i], counts[i]);
            }
        }
    }

    private void grow() {
        long[] oldKeys = keys;
        long[] oldCounts = counts;
        allocate(oldKeys.length * 2);
        int mask = keys.length - 1;
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldKeys[i] >= 0) {
                int at = slot(oldKeys[i]);
                while (keys[at] >= 0) {
                    at = at + 1 & mask;
                }
                keys[at] = oldKeys[i];
                counts[at] = oldCounts[i];
            }
        }
    }

    /** Adds to the count of a pair that is in the table; others are left out. */
    void addIfPresent(long key, long delta) {
        int at = find(key);
        if (at >= 0) {
            counts[at] += delta;
            if (counts[at] == 0) {
                remove(at);
            }
        }
    }

    /** Takes a pair out of the table, if it is there. */
    void remove(long key) {
        int at = find(key);
        if (at >= 0) {
            remove(at);
        }
    }

    private int find(long key) {
        int mask = keys.length - 1;
        for (int at = slot(key); keys[at] >= 0; at = at + 1 & mask) {
            if (keys[at] == key) {
                return at;
            }
        }
        return -1;
    }

    /** Closes the hole by moving back what probes over it. */
    private void remove(int hole) {
        int mask = keys.length - 1;
        size--;
        for (int at = hole + 1 & mask; keys[at] >= 0; at = at + 1 & mask) {
            int home = slot(keys[at]);
            if ((at - home & mask) >= (at - hole & mask)) {
                keys[hole] = keys[at];
                counts[hole] = counts[at];
                hole = at;
            }
        }
        keys[hole] = -1;
    }

    private int slot(long key) {
        return (int) (key * 0x9E3779B97F4A7C15L >>> shift);
    }
}
