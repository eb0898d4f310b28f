package org.longhaul.tokenizer.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.api.Test;

class CountRunsTest {
    @Test
    void everyPositionHasTheCountOfTheWordThatTookIt() {
        for (long seed = 1; seed <= 30; seed++) {
            Random random = new Random(seed);
            int n = random.nextInt(400);
            long[] counts = new long[n];
            int[] lengths = new int[n];
            CountRuns.Builder builder = new CountRuns.Builder();
            long total = 0;
            for (int i = 0; i < n; i++) {
                counts[i] = switch (random.nextInt(3)) {
                    case 0 -> 1;
                    case 1 -> 1 + random.nextInt(10_000);
                    default -> 1 + (random.nextLong() >>> 1 + random.nextInt(60));
                };
                lengths[i] = 3 + random.nextInt(random.nextInt(200) + 1);
                builder.add(counts[i], lengths[i]);
                total += lengths[i];
            }
            CountRuns runs = builder.build(1);
            assertEquals(1 + total, n == 0 ? 1 : runs.end(runs.size() - 1));
            for (int i = 0; i < n; i++) {
                long at = builder.take(counts[i], lengths[i]);
                for (long position = at; position < at + lengths[i]; position++) {
                    assertEquals(counts[i], runs.at(position), "seed " + seed);
                }
            }
            for (int run = 1; run < runs.size(); run++) {
                assertEquals(1, Long.compare(runs.count(run - 1), runs.count(run)), "highest first, seed " + seed);
            }
        }
    }
}
