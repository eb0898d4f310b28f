package org.longhaul.data.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RemixTest {
    private static final int DRAWS = 200_000;

    @Test
    void copiesHaveTheWeightAsMean() {
        for (double weight : new double[] {0, 0.1, 0.5, 1, 1.25, 3, 3.9}) {
            Random random = new Random(3);
            long sum = 0;
            int least = Integer.MAX_VALUE;
            int most = 0;
            for (int i = 0; i < DRAWS; i++) {
                int copies = Remix.copies(7, weight, random.nextLong(), random.nextLong());
                sum += copies;
                least = Math.min(least, copies);
                most = Math.max(most, copies);
            }
            assertEquals(weight, sum / (double) DRAWS, 0.01, "weight " + weight);
            assertEquals((int) Math.floor(weight), least);
            assertEquals((int) Math.ceil(weight), most);
        }
    }

    @Test
    void decisionsAreIndependentOfOneAnother() {
        Random random = new Random(4);
        int validation = 0;
        int sampled = 0;
        int both = 0;
        for (int i = 0; i < DRAWS; i++) {
            long high = random.nextLong();
            long low = random.nextLong();
            boolean held = Remix.validation(1, 0.2, high, low);
            boolean stays = Remix.copies(1, 0.3, high, low) > 0;
            validation += held ? 1 : 0;
            sampled += stays ? 1 : 0;
            both += held && stays ? 1 : 0;
        }
        assertEquals(0.2, validation / (double) DRAWS, 0.005);
        assertEquals(0.3, sampled / (double) DRAWS, 0.005);
        assertEquals(0.06, both / (double) DRAWS, 0.003);
    }

    @Test
    void aLargerFractionKeepsWhatASmallerOneHeldBack() {
        Random random = new Random(5);
        for (int i = 0; i < 10_000; i++) {
            long high = random.nextLong();
            long low = random.nextLong();
            assertTrue(!Remix.validation(9, 0.01, high, low) || Remix.validation(9, 0.05, high, low));
            assertTrue(Remix.copies(9, 0.2, high, low) <= Remix.copies(9, 0.8, high, low));
        }
    }

    @Test
    void bucketsAreEqualRangesOfUnsignedPlaces() {
        Random random = new Random(6);
        for (int i = 0; i < 10_000; i++) {
            int buckets = 1 + random.nextInt(5_000);
            long place = i < 4 ? new long[] {0, -1, Long.MIN_VALUE, Long.MAX_VALUE}[i] : random.nextLong();
            BigInteger unsigned = new BigInteger(Long.toUnsignedString(place));
            int expected = unsigned.multiply(BigInteger.valueOf(buckets)).shiftRight(64).intValue();
            assertEquals(expected, Remix.bucket(place, buckets), place + " of " + buckets);
        }
    }

    @Test
    void seedsAndCopiesShuffleAnew() {
        Random random = new Random(7);
        int later = 0;
        for (int i = 0; i < DRAWS; i++) {
            long high = random.nextLong();
            long low = random.nextLong();
            later += Long.compareUnsigned(Remix.order(1, 0, high, low), Remix.order(1, 1, high, low)) < 0 ? 1 : 0;
            assertTrue(Remix.order(1, 0, high, low) != Remix.order(2, 0, high, low));
        }
        assertEquals(0.5, later / (double) DRAWS, 0.005);
    }
}
