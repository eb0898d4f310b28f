package org.longhaul.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class StragglerJudgeTest {
    private static final StragglerConfig CONFIG = new StragglerConfig(1, 1.2, 3);

    @Test
    void aRankThatStaysSlowIsNamedOnceAndAgainAfterItWasWell() {
        StragglerJudge judge = new StragglerJudge(new int[4], CONFIG);
        double[] slow = {1, 1.02, 1.5, 0.98};
        double[] well = {1, 1.02, 1.0, 0.98};
        assertEquals(List.of(), judge.look(slow));
        assertEquals(List.of(), judge.look(slow));
        StragglerJudge.Slow named = judge.look(slow).get(0);
        assertEquals(2, named.rank());
        assertEquals(1.5, named.ratio(), 1e-9);
        for (int i = 0; i < 10; i++) {
            assertEquals(List.of(), judge.look(slow));
        }
        assertEquals(List.of(), judge.look(well));
        assertEquals(List.of(), judge.look(slow));
        assertEquals(List.of(), judge.look(slow));
        assertEquals(2, judge.look(slow).get(0).rank());
    }

    @Test
    void ofTwoRanksTheSlowerIsMeasuredByTheOther() {
        StragglerJudge judge = new StragglerJudge(new int[2], new StragglerConfig(1, 1.9, 1));
        assertEquals(List.of(new StragglerJudge.Slow(1, 2.0, 1.0)), judge.look(new double[] {1, 2}));
    }

    @Test
    void stagesOfOtherWorkAreNotCompared() {
        StragglerJudge judge = new StragglerJudge(new int[] {0, 0, 1, 1, 2}, new StragglerConfig(1, 1.2, 1));
        assertEquals(List.of(), judge.look(new double[] {1, 1.1, 3, 3.1, 9}));
        assertEquals(List.of(new StragglerJudge.Slow(3, 4, 3)), judge.look(new double[] {1, 1.1, 3, 4, 9}));
    }

    /** Noise of a tenth, and single slow steps of any rank, raise no alarm in a long run. */
    @Test
    void noiseRaisesNoAlarm() {
        long seed = Long.getLong("longhaul.straggler.seed", System.nanoTime());
        SplittableRandom random = new SplittableRandom(seed);
        StragglerJudge judge = new StragglerJudge(new int[64], CONFIG);
        int[] pause = new int[64];
        for (int look = 0; look < 20_000; look++) {
            double[] seconds = new double[64];
            for (int r = 0; r < 64; r++) {
                seconds[r] = 0.95 + 0.1 * random.nextDouble();
                // A pause of two looks at most, then some looks without.
                if (pause[r] < -2 && random.nextInt(500) == 0) {
                    pause[r] = 2;
                }
                seconds[r] += pause[r]-- > 0 ? 1 : 0;
            }
            assertTrue(judge.look(seconds).isEmpty(), "look " + look + ", seed " + seed);
        }
    }
}
