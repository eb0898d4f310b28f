package org.longhaul.tokenizer.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class CrewTest {
    @Test
    void everyWorkerDoesItsPartOfEveryTaskBeforeTheNextBegins() {
        for (int size : new int[] {1, 2, 4}) {
            // Plain longs: what a task wrote must be seen by whoever runs the next one.
            long[] sums = new long[size];
            try (Crew crew = new Crew(size)) {
                for (int round = 0; round < 3000; round++) {
                    crew.run(worker -> sums[worker]++);
                    for (long sum : sums) {
                        assertEquals(round + 1, sum);
                    }
                }
            }
        }
    }

    @Test
    void failureOfAnyWorkerIsThrownAfterAllHaveEnded() {
        try (Crew crew = new Crew(3)) {
            for (int failing = 0; failing < 3; failing++) {
                int bad = failing;
                int[] ended = new int[3];
                RuntimeException failure = new IllegalStateException("worker " + bad);
                assertSame(failure, assertThrows(RuntimeException.class, () -> crew.run(worker -> {
                    ended[worker] = 1;
                    if (worker == bad) {
                        throw failure;
                    }
                })));
                assertEquals(3, ended[0] + ended[1] + ended[2]);
            }
            int[] after = new int[3];
            crew.run(worker -> after[worker] = 1);
            assertEquals(3, after[0] + after[1] + after[2]);
        }
    }
}
