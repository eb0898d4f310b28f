package org.longhaul.parallel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.longhaul.parallel.PipelineSchedule.Action;
import org.longhaul.parallel.PipelineSchedule.Forward;

class PipelineScheduleTest {
    @ParameterizedTest
    @CsvSource({"1,1,1", "1,1,5", "2,1,1", "2,1,4", "4,1,3", "4,1,9", "2,2,2", "2,2,6", "4,2,4", "4,2,8", "4,3,12", "3,4,6", "8,2,16"})
    void allStagesFinishWithMessagesInOrderOfTheLinks(int ranks, int virtualStages, int microBatches) {
        int stages = ranks * virtualStages;
        List<PipelineSchedule> schedules = new ArrayList<>();
        int[] next = new int[ranks];
        List<Queue<String>> forwardLinks = new ArrayList<>();
        List<Queue<String>> backwardLinks = new ArrayList<>();
        for (int p = 0; p < ranks; p++) {
            schedules.add(PipelineSchedule.of(ranks, p, virtualStages, microBatches));
            forwardLinks.add(new ArrayDeque<>());
            backwardLinks.add(new ArrayDeque<>());
        }
        Set<String> done = new HashSet<>();
        boolean moved = true;
        while (moved) {
            moved = false;
            for (int p = 0; p < ranks; p++) {
                if (next[p] == schedules.get(p).actions().size()) {
                    continue;
                }
                Action action = schedules.get(p).actions().get(next[p]);
                int stage = action.chunk() * ranks + p;
                String label = action.microBatch() + "";
                boolean forward = action instanceof Forward;
                int from = forward ? stage - 1 : stage + 1;
                if (from >= 0 && from < stages) {
                    Queue<String> link = forward ? forwardLinks.get(p) : backwardLinks.get(p);
                    if (link.isEmpty()) {
                        continue;
                    }
                    assertEquals(from + ":" + label, link.remove(), "first in, first out on the link into rank " + p);
                }
                if (!forward) {
                    assertTrue(done.contains("F" + stage + ":" + label), "backward after its own forward");
                }
                assertTrue(done.add((forward ? "F" : "B") + stage + ":" + label), "once");
                int to = forward ? stage + 1 : stage - 1;
                if (to >= 0 && to < stages) {
                    (forward ? forwardLinks : backwardLinks).get(to % ranks).add(stage + ":" + label);
                }
                next[p]++;
                moved = true;
            }
        }
        assertEquals(2 * stages * microBatches, done.size(), "every stage ran every micro-batch both ways");
    }

    @Test
    void holdsAsManyMicroBatchesAsThereAreStagesBelow() {
        for (int p = 0; p < 4; p++) {
            assertEquals(List.of(4 - p), PipelineSchedule.of(4, p, 1, 16).inFlight());
        }
    }

    @Test
    void refusesToInterleaveAPartialRound() {
        assertThrows(IllegalArgumentException.class, () -> PipelineSchedule.of(4, 0, 2, 6));
    }
}
