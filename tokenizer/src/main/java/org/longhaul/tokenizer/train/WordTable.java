package org.longhaul.tokenizer.train;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Byte strings with 64-bit counts: open addressing over an arena. About 40 bytes an entry, plus the bytes. */
final class WordTable implements WordCounts {
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int CHUNK = 1 << 18;
    private static final long K = 0x9E3779B97F4A7C15L;

    private final List<byte[]> chunks = new ArrayList<>();
    private int open = -1;
    private int used;
    private long arenaBytes;
    /** Upper half of the hash, then entry + 1; 0 is free. */
    private long[] slots = new long[1 << 12];
    private long[] addresses = new long[1 << 11];
    private int[] lengths = new int[1 << 11];
    private long[] counts = new long[1 << 11];
    private int size;

    int size() {
        return size;
    }

    /** What it occupies, in bytes. */
    long memory() {
        return arenaBytes + 8L * slots.length + 20L * counts.length;
    }

    void add(byte[] bytes, int from, int length, long count) {
        long hash = hash(bytes, from, length);
        int mask = slots.length - 1;
        int tag = (int) (hash >>> 32);
        int at = (int) hash & mask;
        while (true) {
            long slot = slots[at];
            if (slot == 0) {
                insert(bytes, from, length, count, at, tag);
                return;
            }
            if ((int) (slot >>> 32) == tag) {
                int entry = (int) slot - 1;
                if (lengths[entry] == length && equal(entry, bytes, from, length)) {
                    counts[entry] += count;
                    return;
                }
            }
            at = at + 1 & mask;
        }
    }

    private boolean equal(int entry, byte[] bytes, int from, int length) {
        byte[] chunk = chunks.get((int) (addresses[entry] >>> 32));
        int start = (int) addresses[entry];
        return Arrays.equals(chunk, start, start + length, bytes, from, from + length);
    }

    private static long hash(byte[] bytes, int from, int length) {
        long h = length * K;
        int at = from;
        int end = from + length;
        for (; at + 8 <= end; at += 8) {
            h = (h ^ (long) LONG.get(bytes, at)) * K;
            h ^= h >>> 29;
        }
        long tail = 0;
        if (at < end) {
            if (at + 8 <= bytes.length) {
                tail = (long) LONG.get(bytes, at) & -1L >>> 64 - 8 * (end - at);
            } else {
                for (int i = end - 1; i >= at; i--) {
                    tail = tail << 8 | bytes[i] & 0xFF;
                }
            }
        }
        h = (h ^ tail) * K;
        h ^= h >>> 32;
        return h * K ^ h >>> 29;
    }

    private void insert(byte[] bytes, int from, int length, long count, int slot, int tag) {
        if (size == counts.length) {
            int room = size + (size >> 1);
            addresses = Arrays.copyOf(addresses, room);
            lengths = Arrays.copyOf(lengths, room);
            counts = Arrays.copyOf(counts, room);
        }
        addresses[size] = store(bytes, from, length);
        lengths[size] = length;
        counts[size] = count;
        slots[slot] = (long) tag << 32 | ++size;
        if (size > slots.length / 5 * 3) {
            grow();
        }
    }

    private long store(byte[] bytes, int from, int length) {
        if (length > CHUNK / 4) {
            chunks.add(Arrays.copyOfRange(bytes, from, from + length));
            arenaBytes += length;
            return (long) (chunks.size() - 1) << 32;
        }
        if (open < 0 || used + length > CHUNK) {
            chunks.add(new byte[CHUNK]);
            open = chunks.size() - 1;
            arenaBytes += CHUNK;
            used = 0;
        }
        System.arraycopy(bytes, from, chunks.get(open), used, length);
        long address = (long) open << 32 | used;
        used += length;
        return address;
    }

    private void grow() {
        slots = new long[slots.length * 2];
        int mask = slots.length - 1;
        for (int entry = 0; entry < size; entry++) {
            long hash = hash(chunks.get((int) (addresses[entry] >>> 32)), (int) addresses[entry], lengths[entry]);
            int at = (int) hash & mask;
            while (slots[at] != 0) {
                at = at + 1 & mask;
            }
            slots[at] = hash >>> 32 << 32 | entry + 1;
        }
    }

    @Override
    public void forEach(Visitor visitor) {
        for (int entry = 0; entry < size; entry++) {
            visit(entry, visitor);
        }
    }

    /** Passes the words in the order of their unsigned bytes. */
    void forEachSorted(Visitor visitor) {
        // Four bytes of the word above its number sort fast; words that share them are sorted among themselves.
        long[] order = new long[size];
        for (int entry = 0; entry < size; entry++) {
            order[entry] = (long) prefix(entry) << 32 | entry;
        }
        Arrays.sort(order);
        for (int from = 0; from < size; ) {
            int to = from + 1;
            while (to < size && order[to] >>> 32 == order[from] >>> 32) {
                to++;
            }
            if (to - from == 1) {
                visit((int) order[from], visitor);
            } else {
                Integer[] same = new Integer[to - from];
                for (int i = from; i < to; i++) {
                    same[i - from] = (int) order[i];
                }
                Arrays.sort(same, this::compare);
                for (int entry : same) {
                    visit(entry, visitor);
                }
            }
            from = to;
        }
    }

    /** The first four bytes as a number that sorts like them, sign bit flipped. */
    private int prefix(int entry) {
        byte[] chunk = chunks.get((int) (addresses[entry] >>> 32));
        int start = (int) addresses[entry];
        int prefix = 0;
        for (int i = 0; i < 4; i++) {
            prefix = prefix << 8 | (i < lengths[entry] ? chunk[start + i] & 0xFF : 0);
        }
        return prefix ^ 0x80000000;
    }

    private int compare(int a, int b) {
        byte[] x = chunks.get((int) (addresses[a] >>> 32));
        byte[] y = chunks.get((int) (addresses[b] >>> 32));
        int i = (int) addresses[a];
        int j = (int) addresses[b];
        return Arrays.compareUnsigned(x, i, i + lengths[a], y, j, j + lengths[b]);
    }

    private void visit(int entry, Visitor visitor) {
        visitor.word(chunks.get((int) (addresses[entry] >>> 32)), (int) addresses[entry], lengths[entry], counts[entry]);
    }
}
