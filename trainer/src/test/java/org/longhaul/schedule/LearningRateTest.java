package org.longhaul.schedule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class LearningRateTest {
    @Test
    void multiStepIsThePapers() {
        LearningRate rate = new LearningRate.MultiStep(4.2e-4, 2000, 0.8, 0.316, 0.9, 0.1);
        long steps = 211_928;
        assertEquals(4.2e-4 / 2000, rate.at(1, steps), 1e-15);
        assertEquals(4.2e-4, rate.at(2000, steps), 1e-15);
        assertEquals(4.2e-4, rate.at((long) (0.8 * steps), steps), 1e-15);
        assertEquals(1.3272e-4, rate.at((long) (0.8 * steps) + 2, steps), 1e-12);
        assertEquals(1.3272e-4, rate.at((long) (0.9 * steps), steps), 1e-12);
        assertEquals(4.2e-5, rate.at((long) (0.9 * steps) + 2, steps), 1e-12);
        assertEquals(4.2e-5, rate.at(steps, steps), 1e-12);
    }

    @Test
    void dropsAreExactOnRoundNumbers() {
        LearningRate rate = new LearningRate.MultiStep(1, 0, 0.8, 0.316, 0.9, 0.1);
        assertEquals(1, rate.at(80, 100));
        assertEquals(0.316, rate.at(81, 100));
        assertEquals(0.316, rate.at(90, 100));
        assertEquals(0.1, rate.at(91, 100));
    }

    @Test
    void cosineStartsAtThePeakAndEndsAtItsShare() {
        LearningRate rate = new LearningRate.Cosine(1e-3, 10, 0.1);
        assertEquals(5e-4, rate.at(5, 100), 1e-15);
        assertEquals(1e-3, rate.at(10, 100), 1e-15);
        assertEquals(5.5e-4, rate.at(55, 100), 1e-12);
        assertEquals(1e-4, rate.at(100, 100), 1e-15);
        assertEquals(1e-4, rate.at(500, 100), 1e-15);
    }

    @Test
    void constantStaysAfterItsWarmup() {
        LearningRate rate = new LearningRate.Constant(2e-3, 4);
        assertEquals(5e-4, rate.at(1, 100));
        assertEquals(2e-3, rate.at(4, 100));
        assertEquals(2e-3, rate.at(100, 100));
    }

    @Test
    void nonsenseIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> new LearningRate.Constant(0, 0));
        assertThrows(IllegalArgumentException.class, () -> new LearningRate.MultiStep(1, -1, 0.8, 0.3, 0.9, 0.1));
        assertThrows(IllegalArgumentException.class, () -> new LearningRate.MultiStep(1, 0, 0.95, 0.3, 0.9, 0.1));
        assertThrows(IllegalArgumentException.class, () -> new LearningRate.Cosine(1, 0, 1.5));
    }
}
