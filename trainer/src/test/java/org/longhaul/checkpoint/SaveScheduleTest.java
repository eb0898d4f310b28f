package org.longhaul.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.Test;
import org.longhaul.checkpoint.SaveSchedule.Age;
import org.longhaul.checkpoint.SaveSchedule.Outlook;
import org.longhaul.checkpoint.SaveSchedule.Wish;

/** The promise, by a made-up clock: the newest complete checkpoint is never older than the limit. */
class SaveScheduleTest {
    private static final long SEED = Long.getLong("longhaul.schedule.seed", System.nanoTime());
    private static final double MS = 1e6;

    /** A job in made-up time: steps, looks, validations, and saves that are written beside the steps. */
    private static final class Job {
        private final int ring;
        private long now;
        private long stood;
        private final SaveSchedule schedule;
        private SaveStats stats = SaveStats.NONE;
        private long doneAt = Long.MAX_VALUE;
        private boolean fails;
        private long taken;
        private long takenAt;
        private long stoodAtTake;
        private long completeStep;
        private long completeAt;
        private long mostSteps;
        private long mostNanos;
        private final List<String> warnings = new ArrayList<>();

        Job(Retention retention, int ring) {
            this.ring = ring;
            this.schedule = new SaveSchedule(retention, () -> now);
        }

        /** Runs steps; how long the step and the save of a step take is given. A negative time of a save is a failed one's. */
        Job run(long steps, LongUnaryOperator step, LongUnaryOperator save, int validateEvery, long validation) {
            schedule.start(0);
            Wish wished = Wish.NONE;
            for (long s = 1; s <= steps; s++) {
                long look = (s + ring - 1) / ring * ring;
                Outlook outlook = new Outlook(look, look + ring, validateEvery > 0 && (look + ring - 1) / validateEvery > (s - 1) / validateEvery);
                Wish wish = schedule.due(s, outlook, stats, now < doneAt && doneAt != Long.MAX_VALUE);
                wished = wish.compareTo(wished) > 0 ? wish : wished;
                pass(step.applyAsLong(s));
                lost(s);
                if (s == look) {
                    schedule.looked(s);
                    Age age = schedule.age(s, stats);
                    String warning = schedule.overdue(age);
                    if (!warning.isEmpty()) {
                        warnings.add(warning);
                    }
                    if (wished != Wish.NONE) {
                        boolean failed = stand();
                        take(s, save.applyAsLong(s));
                        boolean wait = wished == Wish.WAIT || wished == Wish.WAIT_FOR_LAST && failed;
                        for (int tries = 1; wait && stand(); tries++) {
                            take(s, save.applyAsLong(s + tries));
                        }
                    }
                    wished = Wish.NONE;
                    if (validateEvery > 0 && s % validateEvery == 0) {
                        pass(validation);
                        schedule.validated(validation);
                        lost(s);
                    }
                }
            }
            return this;
        }

        private void pass(long nanos) {
            long end = now + nanos;
            if (doneAt <= end) {
                // What is lost is the most just before the save is complete.
                lostAt(doneAt);
                now = doneAt;
                finish();
            }
            now = end;
        }

        private void lost(long step) {
            mostSteps = Math.max(mostSteps, step - completeStep);
            lostAt(now);
        }

        private void lostAt(long time) {
            mostNanos = Math.max(mostNanos, time - stood - completeAt);
        }

        private void finish() {
            if (fails) {
                stats = stats.failed(1);
            } else {
                stats = stats.committed(taken, 1, (doneAt - takenAt) / 1e9);
                completeStep = taken;
                completeAt = takenAt - stoodAtTake;
            }
            doneAt = Long.MAX_VALUE;
        }

        /** Waits for the save under way, and answers whether the last one failed. */
        private boolean stand() {
            if (doneAt == Long.MAX_VALUE) {
                return fails;
            }
            long wait = doneAt - now;
            now = doneAt;
            stood += wait;
            schedule.stood(wait);
            finish();
            return fails;
        }

        private void take(long step, long nanos) {
            taken = step;
            takenAt = now;
            stoodAtTake = stood;
            fails = nanos < 0;
            doneAt = now + Math.abs(nanos);
            schedule.taken(step, stats);
        }
    }

    private static Retention every(long millis, long steps, boolean strict) {
        return new Retention(Duration.ofMillis(millis), steps, 0, 2, 0, strict);
    }

    private static long ms(double millis) {
        return (long) (millis * MS);
    }

    @Test
    void withinWhatTheStorageCanDoNothingOlderThanTheLimitIsEverTheNewest() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int trial = 0; trial < 300; trial++) {
            String what = "trial " + trial + ", seed " + SEED;
            int ring = 1 + random.nextInt(8);
            double step = 10 + random.nextInt(1000);
            // Saves vary by a third of the margin; twice the longest, and some looks, fit in the limit.
            double save = step * (0.2 + 30 * random.nextDouble());
            int validateEvery = random.nextBoolean() ? 0 : ring * 10;
            double validation = 5 * step;
            double most = 2 * 1.5 * 1.2 * save + (3 * ring + 4) * 1.1 * step + (validateEvery > 0 ? 2.5 * validation : 0);
            long limit = (long) (most * (1.05 + random.nextDouble()));
            long limitSteps = (long) Math.ceil(2 * 1.5 * 1.2 * save / step * 1.2 + 3 * ring + 6);
            boolean bySteps = trial % 2 == 0;
            SplittableRandom noise = random.split();
            Job job = new Job(bySteps ? every(0, limitSteps, false) : every(limit, 0, false), ring).run(3000,
                    s -> ms(step * (0.95 + 0.1 * noise.nextDouble())), s -> ms(save * (0.9 + 0.3 * noise.nextDouble())), validateEvery, ms(validation));
            assertTrue(job.stats.saves() > 5, what);
            if (bySteps) {
                assertTrue(job.mostSteps <= limitSteps, what + ": " + job.mostSteps + " of " + limitSteps);
            } else {
                assertTrue(job.mostNanos <= ms(limit), what + ": " + job.mostNanos / MS + " of " + limit);
            }
            assertEquals(List.of(), job.warnings, what);
        }
    }

    /** How long it takes is not known before; a save is taken ahead of it. */
    @Test
    void theFirstValidationIsAllowedFor() {
        Job job = new Job(every(10_000, 0, false), 1).run(60, s -> ms(1000), s -> ms(1), 12, ms(4000));
        assertTrue(job.mostNanos <= ms(10_000), job.mostNanos / MS + " ms");
    }

    /** Whatever saves take, and however often they fail. */
    @Test
    void strictlyNotAStepMoreIsLost() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int trial = 0; trial < 300; trial++) {
            int ring = 1 + random.nextInt(5);
            long limit = 2L * ring + random.nextInt(30);
            SplittableRandom noise = random.split();
            Job job = new Job(every(0, limit, true), ring).run(2000, s -> ms(1 + noise.nextInt(20)),
                    s -> ms(1 + noise.nextInt(500)) * (noise.nextInt(3) == 0 ? -1 : 1), 0, 0);
            assertTrue(job.mostSteps <= limit, "trial " + trial + ", seed " + SEED + ": " + job.mostSteps + " of " + limit);
        }
    }

    /** In time it can be passed only by what the two looks ahead take longer than the slowest of those before, 4 ms each here. */
    @Test
    void strictlyNoMoreTimeIsLostThanTheLimit() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int trial = 0; trial < 300; trial++) {
            SplittableRandom noise = random.split();
            Job job = new Job(every(400, 0, true), 1).run(3000, s -> ms(18 + 4 * noise.nextDouble()), s -> ms(1 + noise.nextInt(1500)), 0, 0);
            assertTrue(job.mostNanos <= ms(400 + 2 * 4), "trial " + trial + ", seed " + SEED + ": " + job.mostNanos / MS);
            assertTrue(job.stood > 0);
        }
    }

    @Test
    void aSlowStorageIsSavedToBackToBackAndOneLineSaysWhatWouldDo() {
        Job job = new Job(every(10_000, 0, false), 1).run(600, s -> ms(1000), s -> ms(30_000), 0, 0);
        assertTrue(job.mostNanos < ms(62_000), job.mostNanos / MS + " ms");
        assertTrue(job.stats.saves() >= 18, job.stats.toString());
        // The last is for an age that is twice the first one's.
        assertTrue(job.warnings.size() <= 3, job.warnings.toString());
        String warning = job.warnings.get(job.warnings.size() - 1);
        assertTrue(warning.contains("ephemeral_every is 10s; saves took up to 30.0 s, which suits an ephemeral_every of 92s"), warning);
        assertEquals(1, warning.lines().count());
    }

    @Test
    void aStorageThatIsDownIsTriedAgainAndAgainButNotAtEveryStep() {
        Job job = new Job(every(60_000, 0, false), 1).run(3600, s -> ms(1000), s -> ms(s > 600 && s < 3000 ? -2000 : 2000), 0, 0);
        assertTrue(job.stats.failures() >= 20 && job.stats.failures() <= 60, job.stats.toString());
        assertTrue(job.warnings.size() <= 7, job.warnings.toString());
        assertTrue(job.warnings.get(1).contains("saves in a row have failed"), job.warnings.toString());
        assertTrue(job.completeStep > 3500, "it is saved again");
    }

    @Test
    void aTimeOfTheDayThatJumpsIsNoTime() {
        // Nothing but the monotonic clock is asked: it is the one that a schedule without a test's clock takes.
        SaveSchedule schedule = new SaveSchedule(Retention.defaults());
        schedule.start(5);
        assertEquals(Wish.NONE, schedule.due(6, new Outlook(6, 7, false), SaveStats.NONE, false));
        assertTrue(schedule.age(6, SaveStats.NONE).seconds() < 200);
        assertEquals(1, schedule.age(6, SaveStats.NONE).steps());
    }

    @Test
    void strictNeedsALimit() {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> every(0, 0, true));
        assertTrue(e.getMessage().startsWith("strict must be false where"), e.getMessage());
    }
}
