package org.longhaul.tokenizer;

import java.util.Arrays;

/** A double-array trie from byte strings to symbols; one step is one 16-byte cell. */
final class TokenTrie {
    private static final int ABSENT = -1;
    private static final int CANDIDATES = 32;
    /** Children start above, so that every label fits under every free cell. */
    private static final int FIRST = 257;

    /** Four ints a cell: base, index of the parent cell, symbol or -1, next free cell while building. */
    private int[] cells = new int[4 << 12];
    private int freeHead = FIRST;
    private int used = FIRST;

    /** A trie of {@code tokens[i] -> i}; null entries are left out, of equal ones the first counts. */
    TokenTrie(byte[][] tokens) {
        Integer[] order = java.util.stream.IntStream.range(0, tokens.length).filter(i -> tokens[i] != null && tokens[i].length > 0)
                .boxed().toArray(Integer[]::new);
        Arrays.sort(order, (a, b) -> {
            int c = Arrays.compareUnsigned(tokens[a], tokens[b]);
            return c != 0 ? c : Integer.compare(a, b);
        });
        free(0, cells.length / 4);
        for (int i = 0; i < FIRST; i++) {
            cells[4 * i + 1] = -2;
        }
        insert(tokens, order);
        cells = Arrays.copyOf(cells, 4 * (used + 257));
        for (int i = used; i < used + 257; i++) {
            cells[4 * i + 1] = ABSENT;
        }
    }

    private void free(int from, int to) {
        for (int i = from; i < to; i++) {
            cells[4 * i + 1] = ABSENT;
            cells[4 * i + 2] = ABSENT;
            cells[4 * i + 3] = i + 1;
        }
    }

    private void insert(byte[][] tokens, Integer[] order) {
        // Work items: cell, depth, first and last position in the sorted order.
        int[] stack = new int[4 * 1024];
        int top = push(stack, 0, 0, 0, 0, order.length);
        int[] starts = new int[257];
        int[] labels = new int[256];
        while (top > 0) {
            top -= 4;
            int cell = stack[top];
            int depth = stack[top + 1];
            int at = stack[top + 2];
            int end = stack[top + 3];
            for (; at < end && tokens[order[at]].length == depth; at++) {
                if (cells[4 * cell + 2] < 0) {
                    cells[4 * cell + 2] = order[at];
                }
            }
            int count = 0;
            while (at < end) {
                int label = tokens[order[at]][depth] & 0xFF;
                labels[count] = label;
                starts[count++] = at;
                while (at < end && (tokens[order[at]][depth] & 0xFF) == label) {
                    at++;
                }
            }
            starts[count] = end;
            if (count == 0) {
                continue;
            }
            int base = place(labels, count, cell);
            cells[4 * cell] = base;
            if (stack.length < top + 4 * count) {
                stack = Arrays.copyOf(stack, Math.max(stack.length * 2, top + 4 * count));
            }
            for (int i = 0; i < count; i++) {
                top = push(stack, top, base + labels[i], depth + 1, starts[i], starts[i + 1]);
            }
        }
    }

    private static int push(int[] stack, int top, int cell, int depth, int from, int to) {
        stack[top] = cell;
        stack[top + 1] = depth;
        stack[top + 2] = from;
        stack[top + 3] = to;
        return top + 4;
    }

    /** Finds room for the children and takes it. Tries the holes first, then the untouched end. */
    private int place(int[] labels, int count, int parent) {
        int previous = -1;
        int candidate = freeHead;
        for (int tries = 0; ; tries++) {
            if (tries == CANDIDATES && candidate < used) {
                candidate = used;
                previous = -1;
            }
            ensure(candidate + 257);
            int base = candidate - labels[0];
            if (fits(base, labels, count)) {
                for (int i = 0; i < count; i++) {
                    take(base + labels[i], parent);
                }
                return base;
            }
            previous = candidate;
            candidate = cells[4 * candidate + 3];
            if (cells[4 * candidate + 1] != ABSENT) {
                candidate = skipTaken(previous, candidate);
            }
        }
    }

    /** The free list keeps taken cells until a walk meets them; this unlinks them. */
    private int skipTaken(int previous, int candidate) {
        while (true) {
            ensure(candidate + 257);
            if (cells[4 * candidate + 1] == ABSENT) {
                cells[4 * previous + 3] = candidate;
                return candidate;
            }
            candidate = cells[4 * candidate + 3];
        }
    }

    private boolean fits(int base, int[] labels, int count) {
        for (int i = 0; i < count; i++) {
            if (cells[4 * (base + labels[i]) + 1] != ABSENT) {
                return false;
            }
        }
        return true;
    }

    private void take(int cell, int parent) {
        cells[4 * cell + 1] = parent;
        used = Math.max(used, cell + 1);
        while (cells[4 * freeHead + 1] != ABSENT) {
            freeHead = cells[4 * freeHead + 3];
            ensure(freeHead + 257);
        }
    }

    private void ensure(int size) {
        int have = cells.length / 4;
        if (size > have) {
            cells = Arrays.copyOf(cells, 4 * Math.max(size, have * 2));
            free(have, cells.length / 4);
        }
    }

    /** The longest token that starts at {@code from}, or -1. */
    int longest(byte[] text, int from, int to) {
        int[] table = cells;
        int state = 0;
        int best = -1;
        for (int i = from; i < to; i++) {
            int next = table[4 * state] + (text[i] & 0xFF);
            if (table[4 * next + 1] != state) {
                break;
            }
            state = next;
            int symbol = table[4 * next + 2];
            if (symbol >= 0) {
                best = symbol;
            }
        }
        return best;
    }

    /** The longest token that is a proper prefix of {@code token}, or -1. */
    int longestProperPrefix(byte[] token) {
        return longest(token, 0, token.length - 1);
    }

    /** The token that is exactly these bytes, or -1. */
    int exact(byte[] text, int from, int to) {
        int state = 0;
        for (int i = from; i < to; i++) {
            int next = cells[4 * state] + (text[i] & 0xFF);
            if (cells[4 * next + 1] != state) {
                return -1;
            }
            state = next;
        }
        return state == 0 ? -1 : cells[4 * state + 2];
    }
}
