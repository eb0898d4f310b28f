package org.longhaul.parallel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class RankListTest {
    @Test
    void runsAreShortened() {
        assertEquals("", RankList.text(List.of()));
        assertEquals("7", RankList.text(List.of(7)));
        assertEquals("2, 3", RankList.text(List.of(3, 2)));
        assertEquals("0-5, 8", RankList.text(List.of(8, 5, 4, 3, 2, 1, 0, 8)));
        assertEquals("0, 9-11, 13, 14, 998-1000", RankList.text(List.of(0, 9, 10, 11, 13, 14, 998, 999, 1000)));
    }

    @Test
    void readBackItIsTheSameRanks() {
        for (long seed = 0; seed < 200; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            TreeSet<Integer> ranks = new TreeSet<>();
            int most = random.nextInt(1, 60);
            for (int i = random.nextInt(1, 60); i > 0; i--) {
                ranks.add(random.nextInt(most));
            }
            TreeSet<Integer> read = new TreeSet<>();
            for (String part : RankList.text(ranks).split(", ")) {
                String[] ends = part.split("-");
                for (int r = Integer.parseInt(ends[0]); r <= Integer.parseInt(ends[ends.length - 1]); r++) {
                    read.add(r);
                }
            }
            assertEquals(ranks, read, "seed " + seed);
        }
    }
}
