package org.longhaul.data.job;

import com.dynatrace.hash4j.hashing.Hashing;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;
import org.longhaul.tokenizer.Splitter;
import org.longhaul.tokenizer.train.WordCounts;

/** Distinct pieces of text with 64-bit counts: bytes in one arena, open addressing over their hashes. */
final class WordTable implements WordCounts {
    /** Pieces are cut at this length, so that one endless line cannot dominate memory; merges never come near it. */
    private static final int LONGEST = 1 << 16;

    private byte[] arena = new byte[1 << 16];
    private int used;
    private int[] starts = new int[1 << 10];
    private int[] lengths = new int[1 << 10];
    private long[] counts = new long[1 << 10];
    private int size;
    private int[] slots = new int[1 << 12];

    WordTable() {
        Arrays.fill(slots, -1);
    }

    /** Cuts a text and counts its pieces. */
    void count(Splitter splitter, byte[] utf8) {
        for (int from = 0; from < utf8.length; ) {
            int end = splitter.next(utf8, from, utf8.length);
            for (int at = from; at < end; at += LONGEST) {
                add(utf8, at, Math.min(LONGEST, end - at), 1);
            }
            from = end;
        }
    }

    void add(byte[] bytes, int from, int length, long count) {
        int mask = slots.length - 1;
        int slot = (int) Hashing.xxh3_64().hashBytesToLong(bytes, from, length) & mask;
        while (slots[slot] >= 0) {
            int word = slots[slot];
            if (lengths[word] == length && Arrays.equals(arena, starts[word], starts[word] + length, bytes, from, from + length)) {
                counts[word] += count;
                return;
            }
            slot = slot + 1 & mask;
        }
        append(bytes, from, length, count);
        slots[slot] = size - 1;
        if (size * 2 > slots.length) {
            rehash();
        }
    }

    private void append(byte[] bytes, int from, int length, long count) {
        if (used + (long) length > Integer.MAX_VALUE - 16) {
            throw org.longhaul.error.UserError.badInput("more than 2 GiB of distinct words: lower tokenizer.train_mib");
        }
        if (used + length > arena.length) {
            arena = Arrays.copyOf(arena, (int) Math.min(Integer.MAX_VALUE - 16L, Math.max(used + length, arena.length * 2L)));
        }
        if (size == starts.length) {
            starts = Arrays.copyOf(starts, size * 2);
            lengths = Arrays.copyOf(lengths, size * 2);
            counts = Arrays.copyOf(counts, size * 2);
        }
        System.arraycopy(bytes, from, arena, used, length);
        starts[size] = used;
        lengths[size] = length;
        counts[size++] = count;
        used += length;
    }

    private void rehash() {
        slots = new int[slots.length * 2];
        Arrays.fill(slots, -1);
        int mask = slots.length - 1;
        for (int word = 0; word < size; word++) {
            int slot = (int) Hashing.xxh3_64().hashBytesToLong(arena, starts[word], lengths[word]) & mask;
            while (slots[slot] >= 0) {
                slot = slot + 1 & mask;
            }
            slots[slot] = word;
        }
    }

    int size() {
        return size;
    }

    @Override
    public void forEach(Visitor visitor) {
        for (int word = 0; word < size; word++) {
            visitor.word(arena, starts[word], lengths[word], counts[word]);
        }
    }

    void write(DataOutputStream out) throws IOException {
        out.writeInt(size);
        for (int word = 0; word < size; word++) {
            out.writeInt(lengths[word]);
            out.writeLong(counts[word]);
            out.write(arena, starts[word], lengths[word]);
        }
    }

    /** Adds the words of a file that {@link #write} wrote. */
    void readAll(DataInputStream in) throws IOException {
        byte[] bytes = new byte[LONGEST];
        for (int left = in.readInt(); left > 0; left--) {
            int length = in.readInt();
            long count = in.readLong();
            in.readFully(bytes, 0, length);
            add(bytes, 0, length, count);
        }
    }
}
