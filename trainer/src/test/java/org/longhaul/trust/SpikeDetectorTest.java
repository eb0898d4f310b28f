package org.longhaul.trust;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.config.ConfigLoader;

class SpikeDetectorTest {
    @Test
    void noiseIsNoSpikeAndAJumpIs() {
        SpikeDetector detector = new SpikeDetector(128, 6, 1);
        Random random = new Random(1);
        for (int i = 0; i < 1000; i++) {
            double loss = 3 - i * 1e-4 + 0.02 * random.nextGaussian();
            assertFalse(detector.spike(loss), "step " + i);
            detector.accept(loss);
        }
        assertTrue(detector.spike(3.2));
        assertFalse(detector.spike(2.0), "a fall is welcome");
    }

    /** Scores computed with Python's statistics module: (x − fmean(w)) / stdev(w), w the last 128 values or fewer. */
    @Test
    void scoresOver128StepsAreTheFormulas() {
        SpikeDetector detector = new SpikeDetector(128, 6, 1);
        int[] at = {64, 100, 128, 129, 150, 199};
        double[] noise = {-1.4735439476718475, -2.0045040221455555, -1.8688829574996588, -1.2398331855201652, -1.2055978911748175, -0.8347663541578723};
        double[] jump = {12.672360652284482, 9.28570094939026, 7.863522663599619, 8.552147757989875, 8.857683072286761, 10.132787662365075};
        long x = 20231;
        int next = 0;
        for (int i = 0; i < 200; i++) {
            x = (1103515245 * x + 12345) % (1L << 31);
            double loss = 3.0 - i * 1e-3 + ((double) x / (1L << 31) - 0.5) * 0.1;
            if (i < 64) {
                assertEquals(0, detector.score(loss + 100), "not half full at " + i);
            } else if (i == at[next]) {
                assertEquals(noise[next], detector.score(loss), 1e-9, "at " + i);
                assertEquals(jump[next], detector.score(loss + 0.5), 1e-9, "at " + i);
                assertTrue(detector.spike(loss + 0.5) && !detector.spike(loss));
                next++;
            }
            detector.accept(loss);
        }
        assertEquals(6, next);
    }

    /** Norms of a real run: 1.29 among values of 0.95 ± 0.045 lies 7.5 deviations out and is healthy. */
    @Test
    void manyDeviationsThatAreLittleAreNoSpikeWhereAFactorIsAsked() {
        SpikeDetector strict = new SpikeDetector(128, 6, 1);
        SpikeDetector lenient = new SpikeDetector(128, 6, 2);
        Random random = new Random(7);
        for (int i = 0; i < 128; i++) {
            double norm = 0.95 + 0.045 * random.nextGaussian();
            strict.accept(norm);
            lenient.accept(norm);
        }
        assertTrue(strict.spike(1.29));
        assertFalse(lenient.spike(1.29));
        assertTrue(lenient.spike(2.1));
        assertTrue(lenient.spike(Double.NaN));
    }

    /**
     * Healthy norms have heavy tails: they are positive, fall while the model learns, hang together, and are right-skewed (lognormal, and a step in
     * some hundred is half as much again). Deviations alone drop some of them; with the factor none goes, and every real spike is found.
     */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void healthyHeavyTailsPassAndRealSpikesDoNot(long seed) {
        SpikeConfig standard = ConfigLoader.parse("{}", "test", List.of(), SpikeConfig.class);
        SpikeDetector sigmaOnly = new SpikeDetector(standard.window(), standard.sigma(), 1);
        SpikeDetector detector = new SpikeDetector(standard.window(), standard.sigma(), standard.normFactor());
        Random random = new Random(seed);
        int bySigma = 0;
        int planted = 0;
        double slow = 0;
        for (int step = 0; step < 20_000; step++) {
            slow = 0.98 * slow + 0.01 * random.nextGaussian();
            double norm = (0.3 + 2 / Math.sqrt(1 + step / 50.0)) * Math.exp(slow + 0.045 * random.nextGaussian());
            double healthy = random.nextInt(400) == 0 ? norm * (1.2 + 0.3 * random.nextDouble()) : norm;
            assertFalse(detector.spike(healthy), "seed " + seed + ", step " + step + ": " + healthy + ", " + detector.score(healthy) + " sigma");
            bySigma += sigmaOnly.spike(healthy) ? 1 : 0;
            detector.accept(healthy);
            sigmaOnly.accept(healthy);
            if (step > standard.window() && random.nextInt(500) == 0) {
                double spike = norm * Math.exp(1.1 + 4 * random.nextDouble());
                assertTrue(detector.spike(spike), "seed " + seed + ", step " + step + ": " + spike + " among " + norm);
                planted++;
            }
        }
        assertTrue(bySigma > 0, "seed " + seed + ": these tails are not heavy enough to tell anything");
        assertTrue(planted > 10, "seed " + seed);
    }

    @Test
    void whatIsNotFiniteIsAlwaysOne() {
        SpikeDetector detector = new SpikeDetector(16, 6, 1);
        assertTrue(detector.spike(Double.NaN));
        assertTrue(detector.spike(Double.POSITIVE_INFINITY));
        assertFalse(detector.spike(1e9), "nothing to compare with yet");
    }

    @Test
    void aFlatWindowDoesNotMakeRoundingASpike() {
        SpikeDetector detector = new SpikeDetector(16, 6, 1);
        for (int i = 0; i < 16; i++) {
            detector.accept(2.5);
        }
        assertFalse(detector.spike(2.5000001));
        assertTrue(detector.spike(2.51));
    }

    @Test
    void aRestoredDetectorJudgesAlike() {
        SpikeDetector detector = new SpikeDetector(16, 6, 1);
        Random random = new Random(2);
        for (int i = 0; i < 37; i++) {
            detector.accept(random.nextDouble());
        }
        SpikeDetector restored = new SpikeDetector(16, 6, 1);
        restored.restore(detector.state());
        assertArrayEquals(detector.state(), restored.state());
        for (int i = 0; i < 40; i++) {
            double value = 4 * random.nextDouble();
            assertEquals(detector.score(value), restored.score(value), 1e-12);
            detector.accept(value);
            restored.accept(value);
        }
    }
}
