package org.longhaul.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.longhaul.trust.StragglerJudge.Basis;

class StragglerJudgeTest {
    private static final StragglerConfig CONFIG = new StragglerConfig(1, 1.2, 2, 3);

    @Test
    void aRankThatStaysSlowIsNamedOnceAndAgainAfterItWasWell() {
        StragglerJudge judge = new StragglerJudge(new int[4], equal(4), CONFIG);
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
        StragglerJudge judge = new StragglerJudge(new int[2], equal(2), new StragglerConfig(1, 1.9, 2, 1));
        assertEquals(List.of(new StragglerJudge.Slow(1, 2.0, 1.0, Basis.PEERS)), judge.look(new double[] {1, 2}));
    }

    @Test
    void stagesOfOtherWorkAreNotCompared() {
        StragglerJudge judge = new StragglerJudge(new int[] {0, 0, 1, 1, 2}, new double[] {1, 1, 3, 3, 9}, new StragglerConfig(1, 1.2, 2, 1));
        assertEquals(List.of(), judge.look(new double[] {1, 1.1, 3, 3.1, 9}));
        assertEquals(List.of(new StragglerJudge.Slow(3, 4, 3, Basis.PEERS)), judge.look(new double[] {1, 1.1, 3, 4, 9}));
    }

    private static double[] equal(int ranks) {
        double[] work = new double[ranks];
        Arrays.fill(work, 1);
        return work;
    }

    /** A pipeline without replicas: the first and the last stage have work of their own, the two between them the same. */
    private static StragglerJudge pipeline(int looks) {
        return new StragglerJudge(new int[] {0, 1, 1, 2}, new double[] {10, 10, 10, 12}, new StragglerConfig(1, 1.2, 1.6, looks));
    }

    @Test
    void aStageWithoutPeersIsMeasuredByThePlan() {
        assertEquals(List.of(), pipeline(1).look(new double[] {1.4, 1, 1, 1.5}), "plans are rough");
        StragglerJudge.Slow first = pipeline(1).look(new double[] {1.7, 1, 1, 1.2}).get(0);
        assertEquals(0, first.rank());
        assertEquals(Basis.PLAN, first.basis());
        assertEquals(1.7, first.ratio(), 1e-9);
        StragglerJudge.Slow last = pipeline(1).look(new double[] {1, 1, 1, 2.4}).get(0);
        assertEquals(3, last.rank());
        assertEquals(1.2, last.expected(), 1e-9);
        assertEquals(new StragglerJudge.Slow(2, 1.25, 1, Basis.PEERS), pipeline(1).look(new double[] {1, 1, 1.25, 1.2}).get(0));
    }

    @Test
    void aStageThatGetsSlowerIsMeasuredByItsPast() {
        StragglerJudge judge = pipeline(2);
        // A look that warms up, and five that are remembered; the last stage is slower than planned from the start, and stays so.
        assertEquals(List.of(), judge.look(new double[] {9, 9, 9, 9}));
        for (int i = 0; i < 5; i++) {
            assertEquals(List.of(), judge.look(new double[] {1, 1, 1, 1.8}));
        }
        assertEquals(List.of(), judge.look(new double[] {1.5, 1.5, 1.5, 2.7}), "all are slower alike");
        assertEquals(List.of(), judge.look(new double[] {1, 1, 1, 2.3}));
        StragglerJudge.Slow slow = judge.look(new double[] {1, 1, 1, 2.3}).get(0);
        assertEquals(3, slow.rank());
        assertEquals(Basis.PAST, slow.basis());
        assertEquals(1.8, slow.expected(), 1e-9);
        assertEquals(List.of(), judge.look(new double[] {1.3, 1, 1, 1.8}));
        assertEquals(0, judge.look(new double[] {1.3, 1, 1, 1.8}).get(0).rank());
    }

    /** Noise of a tenth, and single slow steps of any rank, raise no alarm in a long run. */
    @Test
    void noiseRaisesNoAlarm() {
        long seed = Long.getLong("longhaul.straggler.seed", System.nanoTime());
        SplittableRandom random = new SplittableRandom(seed);
        StragglerJudge judge = new StragglerJudge(new int[64], equal(64), CONFIG);
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
