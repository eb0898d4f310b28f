package org.longhaul.data.quality;

import java.util.Arrays;
import org.longhaul.data.text.Scripts;
import org.longhaul.data.text.Words;

/**
 * Counts word n-grams by 64-bit hashes in reused open-addressing tables. Two different n-grams of one text share a hash with
 * probability below n²/2^65, so the counts equal those over strings. One thread, one counter.
 */
final class NgramCounter {
    private static final long MULTIPLIER = 0x9E3779B97F4A7C15L;

    private int count;
    private long[] hashes = new long[256];
    /** Prefix sums of token lengths, in code points. */
    private long[] lengths = new long[257];
    /** Prefix sums of the spaces that joining puts before each token. */
    private int[] spaces = new int[257];
    private long[] table = new long[1024];
    private int[] counts = new int[1024];
    private int mask;

    void load(TextView view) {
        Words words = view.words();
        count = words.count();
        if (hashes.length < count) {
            hashes = new long[Integer.highestOneBit(count) * 2];
            lengths = new long[hashes.length + 1];
            spaces = new int[hashes.length + 1];
        }
        String text = words.text();
        boolean lastSingle = false;
        for (int i = 0; i < count; i++) {
            long h = 0xCBF29CE484222325L;
            for (int k = words.start(i); k < words.end(i); k++) {
                h = (h ^ text.charAt(k)) * 0x100000001B3L;
            }
            hashes[i] = mix(h);
            lengths[i + 1] = lengths[i] + view.wordLength(i);
            // Han and the like are not joined by spaces, because their text has none.
            boolean single = Scripts.isUnsegmented(text.codePointAt(words.start(i)));
            spaces[i + 1] = spaces[i] + (single && lastSingle ? 0 : 1);
            lastSingle = single;
        }
    }

    /** Length of the most frequent n-gram, joined by spaces, times its count; the first seen wins a tie. */
    long topNgramCharacters(int n) {
        int grams = count - n + 1;
        if (grams <= 0) {
            return 0;
        }
        clear(grams);
        for (int i = 0; i < grams; i++) {
            counts[slot(hash(i, n))]++;
        }
        int best = 0;
        int at = 0;
        for (int i = 0; i < grams; i++) {
            int c = counts[slot(hash(i, n))];
            if (c > best) {
                best = c;
                at = i;
            }
        }
        return best * (lengths[at + n] - lengths[at] + spaces[at + n] - spaces[at + 1]);
    }

    /** Length, joined without spaces, of n-grams seen before; the walk jumps over a repeated one. */
    long duplicateNgramCharacters(int n) {
        int grams = count - n + 1;
        if (grams <= 0) {
            return 0;
        }
        clear(grams);
        long repeated = 0;
        int i = 0;
        while (i < grams) {
            int slot = slot(hash(i, n));
            if (counts[slot]++ > 0) {
                repeated += lengths[i + n] - lengths[i];
                i += n;
            } else {
                i++;
            }
        }
        return repeated;
    }

    private long hash(int at, int n) {
        long h = n;
        for (int i = at; i < at + n; i++) {
            h = h * MULTIPLIER + hashes[i];
        }
        h = mix(h);
        return h == 0 ? 1 : h;
    }

    private int slot(long hash) {
        int slot = (int) (hash >>> 20) & mask;
        while (table[slot] != hash) {
            if (table[slot] == 0) {
                table[slot] = hash;
                return slot;
            }
            slot = slot + 1 & mask;
        }
        return slot;
    }

    private void clear(int grams) {
        int size = Math.max(16, Integer.highestOneBit(grams) * 4);
        if (table.length < size) {
            table = new long[size];
            counts = new int[size];
        } else {
            Arrays.fill(table, 0, size, 0);
            Arrays.fill(counts, 0, size, 0);
        }
        mask = size - 1;
    }

    private static long mix(long h) {
        long x = (h ^ h >>> 32) * 0xD6E8FEB86659FD93L;
        x = (x ^ x >>> 32) * 0xD6E8FEB86659FD93L;
        return x ^ x >>> 32;
    }
}
