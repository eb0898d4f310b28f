package org.longhaul.tokenizer.train;

import java.util.concurrent.atomic.AtomicLong;

/**
 * 64-bit counts of symbol pairs, open addressing; a pair whose count falls to zero leaves the table. Every table has a hash of its
 * own: with one for all, what a large table visits would come in the order of a smaller one's slots and crowd at one end of it.
 */
final class PairTable {
    private static final AtomicLong TABLES = new AtomicLong();

    private final long multiplier = multiplier(TABLES.incrementAndGet());
    /** Key and count in turn, beside each other in memory; a negative key is a free slot. */
    private long[] slots;
    private int mask;
    private int shift;
    private int size;

    PairTable() {
        allocate(1 << 12);
    }

    /** Room for {@code pairs} without growing. */
    PairTable(int pairs) {
        allocate(Math.max(1 << 4, Integer.highestOneBit(pairs) * 4));
    }

    private void allocate(int capacity) {
        slots = new long[2 * capacity];
        for (int i = 0; i < slots.length; i += 2) {
            slots[i] = -1;
        }
        mask = capacity - 1;
        shift = 64 - Integer.numberOfTrailingZeros(capacity);
    }

    static long pair(int left, int right) {
        return (long) left << 32 | right;
    }

    static int left(long pair) {
        return (int) (pair >>> 32);
    }

    static int right(long pair) {
        return (int) pair;
    }

    /** One of {@code parts} numbers that every pair has, independent of where a table puts it. */
    static int part(long pair, int parts) {
        return (int) (((pair ^ pair >>> 29) * 0xD6E8FEB86659FD93L >>> 40) * parts >>> 24);
    }

    int size() {
        return size;
    }

    long get(long key) {
        int at = find(key);
        return at < 0 ? 0 : slots[at + 1];
    }

    /** Adds to the count. */
    void add(long key, long delta) {
        int at = home(key);
        for (; slots[at] >= 0; at = next(at)) {
            if (slots[at] == key) {
                change(at, delta);
                return;
            }
        }
        if (delta != 0) {
            slots[at] = key;
            slots[at + 1] = delta;
            if (++size > mask / 5 * 3) {
                grow();
            }
        }
    }

    /** Adds to the count of a pair that is in the table; others are left out. */
    void addIfPresent(long key, long delta) {
        int at = find(key);
        if (at >= 0) {
            change(at, delta);
        }
    }

    /** Takes a pair out of the table, if it is there. */
    void remove(long key) {
        int at = find(key);
        if (at >= 0) {
            remove(at);
        }
    }

    interface Visitor {
        void pair(long pair, long count);
    }

    void forEach(Visitor visitor) {
        for (int at = 0; at < slots.length; at += 2) {
            if (slots[at] >= 0) {
                visitor.pair(slots[at], slots[at + 1]);
            }
        }
    }

    private void change(int at, long delta) {
        slots[at + 1] += delta;
        if (slots[at + 1] == 0) {
            remove(at);
        }
    }

    private void grow() {
        long[] old = slots;
        allocate((mask + 1) * 2);
        for (int from = 0; from < old.length; from += 2) {
            if (old[from] >= 0) {
                int at = home(old[from]);
                while (slots[at] >= 0) {
                    at = next(at);
                }
                slots[at] = old[from];
                slots[at + 1] = old[from + 1];
            }
        }
    }

    private int find(long key) {
        for (int at = home(key); slots[at] >= 0; at = next(at)) {
            if (slots[at] == key) {
                return at;
            }
        }
        return -1;
    }

    /** Closes the hole by moving back what probes over it. */
    private void remove(int hole) {
        size--;
        for (int at = next(hole); slots[at] >= 0; at = next(at)) {
            int home = home(slots[at]);
            if ((at - home & 2 * mask + 1) >= (at - hole & 2 * mask + 1)) {
                slots[hole] = slots[at];
                slots[hole + 1] = slots[at + 1];
                hole = at;
            }
        }
        slots[hole] = -1;
    }

    private int next(int at) {
        return at + 2 & 2 * mask + 1;
    }

    private int home(long key) {
        return (int) (key * multiplier >>> shift) << 1;
    }

    /** SplitMix64's output function of the number, made odd. */
    private static long multiplier(long number) {
        long z = number * 0x9E3779B97F4A7C15L;
        z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return z ^ z >>> 31 | 1;
    }

    /** The most slots that are taken one behind another: what a search may have to pass. */
    int longestRun() {
        int longest = 0;
        int run = 0;
        for (int at = 0; at < slots.length; at += 2) {
            run = slots[at] >= 0 ? run + 1 : 0;
            longest = Math.max(longest, run);
        }
        return longest;
    }
}
