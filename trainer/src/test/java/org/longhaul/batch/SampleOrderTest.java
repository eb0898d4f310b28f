package org.longhaul.batch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.error.UserError;

class SampleOrderTest {
    private record Counting(long tokens) implements TokenSource {
        @Override
        public void read(long position, int[] target, int offset, int count) {
            for (int i = 0; i < count; i++) {
                target[offset + i] = (int) (position + i);
            }
        }

        // Documents of seven tokens.
        @Override
        public void documentStarts(long position, int[] starts, int offset, int count) {
            for (int i = 0; i < count; i++) {
                starts[offset + i] = (int) Math.max(0, (position + i) / 7 * 7 - position);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 63, 64, 65, 1000, 65_537, 100_003})
    void permutationHitsEachOnce(long size) {
        Permutation p = new Permutation(size, 1, 2, 3);
        BitSet seen = new BitSet();
        for (long i = 0; i < size; i++) {
            long at = p.at(i);
            assertTrue(at >= 0 && at < size);
            seen.set((int) at);
        }
        assertEquals(size, seen.cardinality());
    }

    @Test
    void permutationLooksRandom() {
        int size = 1 << 16;
        Permutation p = new Permutation(size, 9, 0, 0);
        // Neighbours land far apart: the mean distance of a random pair is a third of the range.
        double distance = 0;
        int rising = 0;
        for (int i = 0; i + 1 < size; i++) {
            distance += Math.abs(p.at(i) - p.at(i + 1));
            rising += p.at(i) < p.at(i + 1) ? 1 : 0;
        }
        assertEquals(size / 3.0, distance / size, 0.02 * size);
        assertEquals(0.5, rising / (double) size, 0.02);
    }

    @Test
    void everyWindowOnceAnEpochInAnotherOrderEachTime() {
        SampleOrder order = new SampleOrder(new Counting(1001), 10, 5, 0);
        assertEquals(100, order.samples());
        BitSet first = new BitSet();
        int same = 0;
        for (int k = 0; k < 100; k++) {
            first.set((int) order.window(k));
            same += order.window(k) == order.window(k + 100) ? 1 : 0;
        }
        assertEquals(100, first.cardinality());
        assertTrue(same < 10, same + " windows at the same place in the second epoch");
        assertNotEquals(new SampleOrder(new Counting(1001), 10, 5, 1).window(0) * 1000 + new SampleOrder(new Counting(1001), 10, 5, 1).window(1),
                order.window(0) * 1000 + order.window(1));
    }

    @Test
    void documentsBeginWhereTheirFirstTokenLies() {
        SampleOrder order = new SampleOrder(new Counting(1001), 10, 5, 0);
        int[] inputs = new int[10];
        int[] starts = new int[12];
        for (int k = 0; k < 200; k++) {
            order.read(k, inputs, new int[10], 0);
            order.documentStarts(k, starts, 2);
            for (int i = 0; i < 10; i++) {
                int first = starts[2 + i];
                assertTrue(first >= 0 && first <= i && inputs[first] / 7 == inputs[i] / 7, "sample " + k);
                assertTrue(first == 0 || inputs[first] % 7 == 0, "sample " + k);
            }
        }
    }

    @Test
    void tokensThatTellNoDocumentsSaySo() {
        TokenSource silent = new TokenSource() {
            @Override
            public long tokens() {
                return 100;
            }

            @Override
            public void read(long position, int[] target, int offset, int count) {}
        };
        UserError e = assertThrows(UserError.class, () -> new SampleOrder(silent, 10, 5, 0).documentStarts(0, new int[10], 0));
        assertTrue(e.getMessage().contains("data.document_mask"), e.getMessage());
    }

    @Test
    void targetsAreTheNextTokensAndNothingDependsOnHistory() {
        SampleOrder order = new SampleOrder(new Counting(1001), 10, 5, 0);
        int[] inputs = new int[20];
        int[] targets = new int[20];
        order.read(137, inputs, targets, 10);
        for (int i = 10; i < 20; i++) {
            assertEquals(inputs[i] + 1, targets[i]);
        }
        int[] again = new int[20];
        SampleOrder fresh = new SampleOrder(new Counting(1001), 10, 5, 0);
        fresh.read(3, again, new int[20], 0);
        fresh.read(137, again, new int[20], 10);
        assertArrayEquals(java.util.Arrays.copyOfRange(inputs, 10, 20), java.util.Arrays.copyOfRange(again, 10, 20));
    }
}
