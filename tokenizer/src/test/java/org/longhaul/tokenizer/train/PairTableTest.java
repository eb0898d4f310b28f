package org.longhaul.tokenizer.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PairTableTest {
    @Test
    void behavesLikeAMapWithoutZeros() {
        for (long seed = 1; seed <= 20; seed++) {
            Random random = new Random(seed);
            PairTable table = seed % 2 == 0 ? new PairTable() : new PairTable(random.nextInt(50));
            Map<Long, Long> map = new HashMap<>();
            int symbols = 1 + random.nextInt(200);
            for (int i = 0; i < 20_000; i++) {
                long pair = PairTable.pair(random.nextInt(symbols), random.nextInt(symbols));
                long delta = random.nextInt(7) - 3L;
                switch (random.nextInt(4)) {
                    case 0 -> {
                        table.remove(pair);
                        map.remove(pair);
                    }
                    case 1 -> {
                        table.addIfPresent(pair, delta);
                        map.computeIfPresent(pair, (p, count) -> count + delta == 0 ? null : Long.valueOf(count + delta));
                    }
                    default -> {
                        table.add(pair, delta);
                        map.merge(pair, delta, Long::sum);
                        map.remove(pair, 0L);
                    }
                }
                assertEquals(map.getOrDefault(pair, 0L), table.get(pair), "seed " + seed + " step " + i);
            }
            Map<Long, Long> all = new HashMap<>();
            table.forEach(all::put);
            assertEquals(map, all, "seed " + seed);
            assertEquals(map.size(), table.size());
        }
    }

    @Test
    void partsAreOfAboutTheSameSize() {
        for (int parts : new int[] {1, 2, 6, 40}) {
            int[] sizes = new int[parts];
            for (int left = 0; left < 300; left++) {
                for (int right = 0; right < 300; right++) {
                    sizes[PairTable.part(PairTable.pair(left, right), parts)]++;
                }
            }
            for (int size : sizes) {
                assertTrue(Math.abs(size - 90_000.0 / parts) < 9_000.0 / parts, parts + " parts, one of " + size);
            }
        }
    }

    /** Half of what a large table visits, put into one that is growing, is spread over all of it. */
    @Test
    void whatOneTableVisitsDoesNotCrowdInAnother() {
        PairTable large = new PairTable();
        for (int left = 0; left < 500; left++) {
            for (int right = 0; right < 500; right++) {
                large.add(PairTable.pair(left * 7, right * 3), 1);
            }
        }
        for (int copies = 0; copies < 10; copies++) {
            PairTable small = new PairTable();
            int[] longest = {0};
            large.forEach((pair, count) -> {
                small.add(pair, count);
                if (small.size() % 20_000 == 0) {
                    longest[0] = Math.max(longest[0], small.longestRun());
                }
            });
            assertEquals(large.size(), small.size());
            assertTrue(longest[0] < 2_000, "a run of " + longest[0] + " slots");
        }
    }
}
