package org.longhaul.tokenizer;

import java.util.Arrays;

/** A growing array of token ids that {@link Tokenizer#encode(byte[], int, int, TokenBuffer)} appends to; reused, it costs no allocation. */
public final class TokenBuffer {
    int[] ids;
    int size;

    /** An empty buffer. */
    public TokenBuffer() {
        this(1024);
    }

    /** An empty buffer with room for {@code capacity} ids. */
    public TokenBuffer(int capacity) {
        ids = new int[Math.max(16, capacity)];
    }

    /** How many ids it holds. */
    public int size() {
        return size;
    }

    /** The id at {@code index < size()}. */
    public int id(int index) {
        return ids[java.util.Objects.checkIndex(index, size)];
    }

    /** Forgets all ids and keeps the room. */
    public void clear() {
        size = 0;
    }

    /** Appends an id. */
    public void add(int id) {
        if (size == ids.length) {
            reserve(1);
        }
        ids[size++] = id;
    }

    /** A copy of the ids. */
    public int[] toArray() {
        return Arrays.copyOf(ids, size);
    }

    void reserve(int more) {
        if (ids.length - size < more) {
            ids = Arrays.copyOf(ids, (int) Math.min(Integer.MAX_VALUE - 8L, Math.max(size + (long) more, ids.length * 2L)));
        }
    }
}
