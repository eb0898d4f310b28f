package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.train.FuzzRig.Failure;

/**
 * Whole jobs drawn from seeds: model, layouts, accumulation, recompute, schedule, checkpoints, stops, crashes, bad batches, later phases under
 * other layouts. Each must end as one rank's run in one go does, having read the same samples and written the same lines.
 * {@code -Dlonghaul.fuzz.jobs=500} draws more than the ordinary test run, {@code -Dlonghaul.fuzz.seed=N} begins elsewhere,
 * {@code -Dlonghaul.fuzz.all=true} goes on behind a failure. What fails is made smaller and printed with its seed.
 */
class LayoutFuzzTest {
    private static final int JOBS = Integer.getInteger("longhaul.fuzz.jobs", 6);
    private static final long SEED = Long.getLong("longhaul.fuzz.seed", 1);
    private static final boolean ALL = Boolean.getBoolean("longhaul.fuzz.all");

    @TempDir
    private Path folder;

    @Test
    void drawnJobsEndAsOneRankInOneGo() throws IOException {
        FuzzRig rig = new FuzzRig(folder);
        Map<String, Integer> ran = new TreeMap<>();
        int refused = 0;
        int failed = 0;
        for (long seed = SEED; seed < SEED + JOBS; seed++) {
            Map<String, Integer> drawn = new TreeMap<>();
            FuzzJob job = FuzzDraw.of(seed, drawn);
            Failure failure = rig.run(job);
            if (failure != null && failure.refused()) {
                refused++;
                continue;
            }
            drawn.forEach((what, times) -> ran.merge(what, times, Integer::sum));
            if (failure != null) {
                failed++;
                String report = "seed " + seed + ": " + failure + "\n" + job + "\nsmallest found: " + rig.smallest(job, failure);
                if (!ALL) {
                    throw new AssertionError(report, failure.cause());
                }
                System.out.println(report);
                failure.cause().printStackTrace(System.out);
            }
        }
        System.out.println(JOBS + " jobs from seed " + SEED + ", " + refused + " refused, " + failed + " failed; drawn in the others: " + ran);
        assertEquals(0, failed, "jobs failed");
        assertTrue(refused <= JOBS / 2, "too many were refused");
    }
}
