package org.longhaul.natives;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Which times of a race are worth keeping on disk; the races themselves need a GPU (GemmTest has the smallest). */
class GemmRaceTest {
    @Test
    void burstsOfOneAlgorithmThatDifferByMoreThanAClockMovesThemAreNotKept() {
        assertFalse(GemmRace.disturbed(List.of(1.0)));
        assertFalse(GemmRace.disturbed(List.of(0.080, 0.083)));
        assertFalse(GemmRace.disturbed(List.of(0.080, 0.100)));
        assertTrue(GemmRace.disturbed(List.of(0.080, 0.101)));
        assertTrue(GemmRace.disturbed(List.of(0.160, 0.080)));
    }
}
