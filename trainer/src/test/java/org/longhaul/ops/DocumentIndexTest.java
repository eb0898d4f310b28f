package org.longhaul.ops;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.longhaul.ops.cuda.DocumentStarts;

/** Runs are whole documents, follow each other without a gap, and are never more than announced. */
class DocumentIndexTest {
    @Test
    void runsCoverEverySequence() {
        for (int seed = 0; seed < 400; seed++) {
            Random random = new Random(seed);
            AttentionShape s = new AttentionShape(1 + random.nextInt(4), 1 + random.nextInt(seed % 7 == 0 ? 5 : 300), 6, 2, 16);
            int[] starts = DocumentStarts.random(random, s.batch(), s.sequence(), 1 + random.nextInt(s.sequence()));
            check(s, starts, seed);
        }
    }

    /** As many runs as can be: a long document, a token, a long document, … */
    @Test
    void theBoundHoldsForTheWorst() {
        for (int length : new int[] {1, 2, 3, 4, 5, 8, 15, 16, 17, 64, 100, 257, 4096}) {
            AttentionShape s = new AttentionShape(2, length, 2, 2, 8);
            for (int part = 1; part <= length / 2 + 1; part += 1 + length / 100) {
                int[] starts = new int[2 * length];
                for (int i = 0, from = 0; i < length; i++) {
                    boolean single = (i - from) == 0 && i % (part + 1) == part;
                    from = i % (part + 1) == 0 || i % (part + 1) == part ? i : from;
                    starts[i] = from;
                    starts[length + i] = single ? i : from;
                }
                check(s, starts, part);
            }
        }
    }

    private static void check(AttentionShape s, int[] starts, int seed) {
        DocumentIndex layout = new DocumentIndex(s);
        int[] index = new int[layout.elements()];
        Arrays.fill(index, -1);
        layout.fill(starts, index);
        assertArrayEquals(starts, Arrays.copyOf(index, starts.length), "seed " + seed);
        int token = 0;
        for (int r = 0; r < layout.runs(); r++) {
            int length = index[layout.lengths() + r];
            assertTrue(length >= 0, "seed " + seed);
            assertEquals(token, index[layout.tokens() + r], "seed " + seed);
            assertEquals(token * s.qkvWidth(), index[layout.projections() + r]);
            assertEquals(token * s.outWidth(), index[layout.outputs() + r]);
            int b = token / s.sequence();
            int from = token % s.sequence();
            assertEquals(b * s.heads() * s.sequence() + from, index[layout.statistics() + r]);
            for (int i = 0; i < length; i++) {
                assertTrue(from + i < s.sequence(), "a run leaves its sequence, seed " + seed);
                int within = index[layout.within() + token + i];
                assertEquals(starts[token + i] - from, within, "seed " + seed);
                assertTrue(within >= 0, "a document is cut, seed " + seed);
            }
            token += length;
        }
        assertEquals(s.tokens(), token, "seed " + seed);
        assertEquals(token, index[layout.tokens() + layout.runs()]);
    }
}
