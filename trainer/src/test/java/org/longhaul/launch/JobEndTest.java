package org.longhaul.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.time.ZoneId;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.SynchronousQueue;
import org.junit.jupiter.api.Test;

class JobEndTest {
    private static final Instant START = Instant.parse("2026-11-23T12:00:00Z");
    private static final Instant END = START.plusSeconds(1000);

    private final SynchronousQueue<Optional<Instant>> scontrol = new SynchronousQueue<>();
    private Instant now = START;

    private JobEnd end() {
        return JobEnd.of(Map.of("SLURM_JOB_ID", "7", "SLURM_JOB_END_TIME", Long.toString(END.getEpochSecond())), () -> now, this::answer).orElseThrow();
    }

    private Optional<Instant> answer() {
        try {
            return scontrol.take();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    // The answer is handed over before the thread that asked has put it down.
    private static void untilEnded(JobEnd end, double seconds) {
        while (!end.before(seconds)) {
            Thread.onSpinWait();
        }
    }

    @Test
    void nearTheEndTheSchedulerIsAskedOnceMoreBeforeItCounts() throws InterruptedException {
        JobEnd end = end();
        now = END.minusSeconds(131);
        assertFalse(end.before(100));
        now = END.minusSeconds(100);
        assertFalse(end.before(100), "not before scontrol has answered");
        scontrol.put(Optional.of(END));
        untilEnded(end, 100);
        assertEquals("Slurm ends this job at 2026-11-23T12:16:40Z, in 100 s", end.words());
    }

    @Test
    void aLimitThatWasRaisedMovesTheEnd() throws InterruptedException {
        JobEnd end = end();
        now = END.minusSeconds(100);
        assertFalse(end.before(100));
        Instant later = END.plusSeconds(5000);
        scontrol.put(Optional.of(later));
        while (end.left().toSeconds() == 100) {
            assertFalse(end.before(100));
        }
        assertEquals(5100, end.left().toSeconds());
        now = later.minusSeconds(100);
        assertFalse(end.before(100), "asked anew");
        scontrol.put(Optional.empty());
        untilEnded(end, 100);
    }

    @Test
    void halfOfAShortJobIsItsOwn() throws InterruptedException {
        JobEnd end = end();
        now = START.plusSeconds(490);
        assertFalse(end.before(1e6));
        now = START.plusSeconds(500);
        assertFalse(end.before(1e6));
        scontrol.put(Optional.empty());
        untilEnded(end, 1e6);
    }

    @Test
    void theVariableCountsElseWhatScontrolSays() {
        Optional<Instant> said = Optional.of(END.plusSeconds(60));
        assertEquals(1060, JobEnd.of(Map.of("SLURM_JOB_ID", "7"), () -> START, () -> said).orElseThrow().left().toSeconds());
        assertEquals(1060, JobEnd.of(Map.of("SLURM_JOB_ID", "7", "SLURM_JOB_END_TIME", "0"), () -> START, () -> said).orElseThrow().left().toSeconds());
        assertTrue(JobEnd.of(Map.of("SLURM_JOB_ID", "7"), () -> START, Optional::empty).isEmpty());
        assertTrue(JobEnd.of(Map.of("SLURM_JOB_ID", "7"), () -> END.plusSeconds(61), () -> said).isEmpty(), "what is over says nothing");
        assertTrue(JobEnd.of(Map.of("SLURM_JOB_END_TIME", "99999999999"), () -> START, () -> said).isEmpty(), "not in a job");
    }

    @Test
    void scontrolSaysLocalTime() {
        ZoneId berlin = ZoneId.of("Europe/Berlin");
        assertEquals(Optional.of(END), JobEnd.parse("   StartTime=2026-11-23T13:00:00 EndTime=2026-11-23T13:16:40 Deadline=N/A\n", berlin));
        assertEquals(Optional.empty(), JobEnd.parse("   StartTime=Unknown EndTime=Unknown Deadline=N/A\n", berlin));
        assertEquals(Optional.empty(), JobEnd.parse("slurm_load_jobs error: Invalid job id specified\n", berlin));
    }
}
