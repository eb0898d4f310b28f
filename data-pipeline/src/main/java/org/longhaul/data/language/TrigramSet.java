package org.longhaul.data.language;

/** A small set of non-zero longs. */
final class TrigramSet {
    private long[] table = new long[512];
    private int size;

    boolean add(long key) {
        if (2 * size >= table.length) {
            long[] old = table;
            table = new long[old.length * 2];
            size = 0;
            for (long k : old) {
                if (k != 0) {
                    add(k);
                }
            }
        }
        int slot = (int) (key * 0x9E3779B97F4A7C15L >>> 40) & table.length - 1;
        while (table[slot] != 0) {
            if (table[slot] == key) {
                return false;
            }
            slot = slot + 1 & table.length - 1;
        }
        table[slot] = key;
        size++;
        return true;
    }

    int size() {
        return size;
    }
}
