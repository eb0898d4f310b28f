package org.longhaul.trust;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

class SpikeDetectorTest {
    @Test
    void noiseIsNoSpikeAndAJumpIs() {
        SpikeDetector detector = new SpikeDetector(128, 6);
        Random random = new Random(1);
        for (int i = 0; i < 1000; i++) {
            double loss = 3 - i * 1e-4 + 0.02 * random.nextGaussian();
            assertFalse(detector.spike(loss), "step " + i);
            detector.accept(loss);
        }
        assertTrue(detector.spike(3.2));
        assertFalse(detector.spike(2.0), "a fall is welcome");
    }

    @Test
    void whatIsNotFiniteIsAlwaysOne() {
        SpikeDetector detector = new SpikeDetector(16, 6);
        assertTrue(detector.spike(Double.NaN));
        assertTrue(detector.spike(Double.POSITIVE_INFINITY));
        assertFalse(detector.spike(1e9), "nothing to compare with yet");
    }

    @Test
    void aFlatWindowDoesNotMakeRoundingASpike() {
        SpikeDetector detector = new SpikeDetector(16, 6);
        for (int i = 0; i < 16; i++) {
            detector.accept(2.5);
        }
        assertFalse(detector.spike(2.5000001));
        assertTrue(detector.spike(2.51));
    }

    @Test
    void aRestoredDetectorJudgesAlike() {
        SpikeDetector detector = new SpikeDetector(16, 6);
        Random random = new Random(2);
        for (int i = 0; i < 37; i++) {
            detector.accept(random.nextDouble());
        }
        SpikeDetector restored = new SpikeDetector(16, 6);
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
