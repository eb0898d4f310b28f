package org.longhaul.tokenizer.train;

import java.util.Arrays;

/** A heap of candidate merges: highest count first, of equal counts the lowest (left id, right id). Each entry owns a list of words. */
final class MergeQueue {
    private static final int ARITY = 4;

    private long[] counts = new long[1 << 12];
    private long[] pairs = new long[1 << 12];
    private long[] lists = new long[1 << 12];
    private int[] lengths = new int[1 << 12];
    private int size;

    boolean isEmpty() {
        return size == 0;
    }

    int size() {
        return size;
    }

    long topCount() {
        return counts[0];
    }

    long topPair() {
        return pairs[0];
    }

    /** Address of the words in which the top pair may occur. */
    long topList() {
        return lists[0];
    }

    int topLength() {
        return lengths[0];
    }

    void push(long count, long pair, long list, int length) {
        if (size == counts.length) {
            int room = size + (size >> 1);
            counts = Arrays.copyOf(counts, room);
            pairs = Arrays.copyOf(pairs, room);
            lists = Arrays.copyOf(lists, room);
            lengths = Arrays.copyOf(lengths, room);
        }
        int hole = size++;
        while (hole > 0) {
            int parent = (hole - 1) / ARITY;
            if (!before(count, pair, parent)) {
                break;
            }
            move(parent, hole);
            hole = parent;
        }
        set(hole, count, pair, list, length);
    }

    /** Takes the top away. */
    void pop() {
        size--;
        if (size > 0) {
            sink(counts[size], pairs[size], lists[size], lengths[size]);
        }
    }

    /** Gives the top its live count, which is lower than it was. */
    void demoteTop(long count) {
        sink(count, pairs[0], lists[0], lengths[0]);
    }

    private void sink(long count, long pair, long list, int length) {
        int hole = 0;
        while (true) {
            int first = hole * ARITY + 1;
            if (first >= size) {
                break;
            }
            int best = first;
            int end = Math.min(first + ARITY, size);
            for (int child = first + 1; child < end; child++) {
                if (before(counts[child], pairs[child], best)) {
                    best = child;
                }
            }
            if (before(count, pair, best)) {
                break;
            }
            move(best, hole);
            hole = best;
        }
        set(hole, count, pair, list, length);
    }

    private boolean before(long count, long pair, int other) {
        return count > counts[other] || count == counts[other] && pair < pairs[other];
    }

    private void move(int from, int to) {
        set(to, counts[from], pairs[from], lists[from], lengths[from]);
    }

    private void set(int at, long count, long pair, long list, int length) {
        counts[at] = count;
        pairs[at] = pair;
        lists[at] = list;
        lengths[at] = length;
    }
}
