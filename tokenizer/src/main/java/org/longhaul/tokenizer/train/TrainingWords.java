package org.longhaul.tokenizer.train;

import java.util.Arrays;
import org.longhaul.error.UserError;
import org.longhaul.tokenizer.TokenBuffer;

/**
 * The distinct words as sequences of symbols, which merges change in place. Every byte has a cell of 32 bits: the first and the last
 * cell of a symbol hold its id, so that both neighbours are found without a search. A position is the number of a cell, 32 bits without
 * sign. Words are in order of their counts, the highest first, with a cell between them.
 */
final class TrainingWords {
    /** Content of a cell between words. */
    static final int END = -1;
    /** Content of a cell at which a symbol ends no more. */
    static final int INSIDE = -2;

    /** Cells of a chunk: 16 MiB, so that the collector's regions waste little. */
    private static final int SHIFT = 22;
    private static final int MASK = (1 << SHIFT) - 1;

    private final int[][] chunks;
    private final long cells;
    final CountRuns counts;

    private TrainingWords(CountRuns counts, long cells) {
        if (cells > 1L << 32) {
            throw UserError.badInput(String.format(java.util.Locale.ROOT, "the distinct words have %,d bytes; one training takes %,d: count only the"
                    + " beginning of long documents (--document-cap, document_cap)", cells, 1L << 32));
        }
        this.counts = counts;
        this.cells = cells;
        chunks = new int[(int) (cells + MASK >>> SHIFT)][];
        for (int i = 0; i < chunks.length; i++) {
            chunks[i] = new int[(int) Math.min(1 << SHIFT, cells - ((long) i << SHIFT))];
            Arrays.fill(chunks[i], END);
        }
    }

    /** Makes symbols of a word's bytes, all of which are in the alphabet. */
    interface Cutter {
        void cut(byte[] bytes, int length, TokenBuffer symbols);
    }

    /**
     * Takes all words in, in two passes over {@code source}; words of fewer than two bytes are not kept.
     *
     * @param symbolOfByte symbol of every byte; bytes below zero are left out
     * @param cutter null for one symbol a byte
     */
    static TrainingWords of(WordCounts source, int[] symbolOfByte, TrainingTokens tokens, Cutter cutter) {
        CountRuns.Builder room = new CountRuns.Builder();
        source.forEach((bytes, from, length, count) -> {
            int kept = kept(bytes, from, length, symbolOfByte);
            if (kept > 1) {
                room.add(count, kept + 1);
            }
        });
        CountRuns runs = room.build(1);
        TrainingWords words = new TrainingWords(runs, runs.size() == 0 ? 1 : runs.end(runs.size() - 1));
        TokenBuffer symbols = new TokenBuffer();
        source.forEach((bytes, from, length, count) -> {
            int kept = kept(bytes, from, length, symbolOfByte);
            if (kept < 2) {
                return;
            }
            long at = room.take(count, kept + 1);
            if (cutter == null) {
                for (int i = from; i < from + length; i++) {
                    int symbol = symbolOfByte[bytes[i] & 0xFF];
                    if (symbol >= 0) {
                        words.set((int) at++, symbol);
                    }
                }
                return;
            }
            byte[] known = new byte[kept];
            int n = 0;
            for (int i = from; i < from + length; i++) {
                if (symbolOfByte[bytes[i] & 0xFF] >= 0) {
                    known[n++] = bytes[i];
                }
            }
            symbols.clear();
            cutter.cut(known, kept, symbols);
            for (int i = 0; i < symbols.size(); i++) {
                int symbol = symbols.id(i);
                for (int j = 0; j < tokens.lengths[symbol]; j++) {
                    words.set((int) at++, j == 0 || j == tokens.lengths[symbol] - 1 ? symbol : INSIDE);
                }
            }
        });
        return words;
    }

    private static int kept(byte[] bytes, int from, int length, int[] symbolOfByte) {
        int kept = 0;
        for (int i = from; i < from + length; i++) {
            kept += symbolOfByte[bytes[i] & 0xFF] >= 0 ? 1 : 0;
        }
        return kept;
    }

    /** Content of a cell. */
    int at(int position) {
        return chunks[position >>> SHIFT][position & MASK];
    }

    void set(int position, int symbol) {
        chunks[position >>> SHIFT][position & MASK] = symbol;
    }

    /** How many cells there are. */
    long cells() {
        return cells;
    }

    /** The bounds of {@code parts} parts of about the same length, each from behind one word to behind another. */
    long[] cut(int parts) {
        long[] bounds = new long[parts + 1];
        bounds[parts] = cells;
        for (int i = 1; i < parts; i++) {
            long at = Math.max(bounds[i - 1], cells * i / parts);
            while (at < cells && at((int) at) != END) {
                at++;
            }
            bounds[i] = at;
        }
        return bounds;
    }

    /** The first index from {@code index} on at which a list of ascending positions can be cut so that no word has positions on both sides. */
    int cut(int[] positions, int index, int to) {
        for (int i = index; i < to; i++) {
            long position = positions[i - 1] & 0xFFFFFFFFL;
            long next = positions[i] & 0xFFFFFFFFL;
            while (position < next) {
                if (at((int) position++) == END) {
                    return i;
                }
            }
        }
        return to;
    }
}
