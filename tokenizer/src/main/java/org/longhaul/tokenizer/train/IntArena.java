package org.longhaul.tokenizer.train;

import java.util.ArrayList;
import java.util.List;

/**
 * Blocks of ints in chunks, so that growing copies nothing and no array passes 2 GiB. An address is chunk in the upper and index in the
 * lower 32 bits. A chunk whose blocks are all freed is used again.
 */
final class IntArena {
    /** 256 KiB: small enough for the collector to place like any object. */
    private static final int CHUNK = 1 << 16;

    private final List<int[]> chunks = new ArrayList<>();
    private final List<Integer> spare = new ArrayList<>();
    private int[] live = new int[64];
    private int current = -1;
    private int used;

    /** Room for {@code length} ints, all in one chunk. */
    long allocate(int length) {
        if (length > CHUNK / 4) {
            int chunk = add(new int[length]);
            live[chunk] = length;
            return (long) chunk << 32;
        }
        if (current < 0 || used + length > CHUNK) {
            if (current >= 0 && live[current] == 0) {
                spare.add(current);
            }
            current = spare.isEmpty() ? add(new int[CHUNK]) : spare.remove(spare.size() - 1);
            used = 0;
        }
        long address = (long) current << 32 | used;
        used += length;
        live[current] += length;
        return address;
    }

    private int add(int[] chunk) {
        chunks.add(chunk);
        if (chunks.size() > live.length) {
            live = java.util.Arrays.copyOf(live, live.length * 2);
        }
        return chunks.size() - 1;
    }

    /** Gives a block back. */
    void free(long address, int length) {
        int chunk = (int) (address >>> 32);
        live[chunk] -= length;
        if (live[chunk] == 0 && chunk != current) {
            if (chunks.get(chunk).length == CHUNK) {
                spare.add(chunk);
            } else {
                chunks.set(chunk, new int[0]);
            }
        }
    }

    int[] chunk(long address) {
        return chunks.get((int) (address >>> 32));
    }

    static int index(long address) {
        return (int) address;
    }
}
