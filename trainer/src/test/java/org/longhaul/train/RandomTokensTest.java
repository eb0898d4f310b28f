package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Made-up tokens and documents are the same from wherever they are read. */
class RandomTokensTest {
    @Test
    void readFromAnywhereTheyAreTheSame() {
        RandomTokens tokens = new RandomTokens(1000, 7);
        int n = 150_000;
        int[] ids = new int[n];
        int[] starts = new int[n];
        tokens.read(0, ids, 0, n);
        tokens.documentStarts(0, starts, 0, n);
        int singles = 0;
        for (int i = 0; i < n; i++) {
            assertTrue(starts[i] == i || i > 0 && starts[i] == starts[i - 1], "token " + i);
            singles += starts[i] == i && (i + 1 == n || starts[i + 1] == i + 1) ? 1 : 0;
        }
        assertTrue(singles > 50, singles + " documents of one token");
        Random random = new Random(3);
        for (int r = 0; r < 200; r++) {
            int from = random.nextInt(n);
            int count = random.nextInt(Math.min(3_000, n - from));
            int[] part = new int[count + 1];
            tokens.read(from, part, 1, count);
            assertArrayEquals(Arrays.copyOfRange(ids, from, from + count), Arrays.copyOfRange(part, 1, count + 1));
            tokens.documentStarts(from, part, 1, count);
            for (int i = 0; i < count; i++) {
                assertEquals(Math.max(0, starts[from + i] - from), part[1 + i], "token " + i + " from " + from);
            }
        }
    }
}
