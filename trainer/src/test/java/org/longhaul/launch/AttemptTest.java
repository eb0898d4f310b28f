package org.longhaul.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a launcher does about ranks that do not do as they should: ranks here are scripts without processes. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class AttemptTest {
    private static final Duration SHORT = Duration.ofMillis(50);
    private static final Duration LONG = Duration.ofHours(1);

    private final List<Scripted> ranks = new ArrayList<>();

    /** A rank that does what its script says when it gets a signal; KILL is one of them. */
    private static final class Scripted implements Rank {
        private final int rank;
        private final BiConsumer<Scripted, String> script;
        private final CompletableFuture<Void> end = new CompletableFuture<>();
        private final List<String> signals = new ArrayList<>();
        private int status;
        private String state = "";

        Scripted(int rank, BiConsumer<Scripted, String> script) {
            this.rank = rank;
            this.script = script;
        }

        synchronized void end(int with) {
            if (alive()) {
                status = with;
                end.complete(null);
            }
        }

        @Override
        public int rank() {
            return rank;
        }

        @Override
        public long pid() {
            return 100 + rank;
        }

        @Override
        public CompletableFuture<Void> onExit() {
            return end;
        }

        @Override
        public boolean alive() {
            return !end.isDone();
        }

        @Override
        public int status() {
            return status;
        }

        @Override
        public String lastWords() {
            return "words of " + "abc".charAt(rank);
        }

        @Override
        public synchronized void signal(String name) {
            signals.add(name);
            script.accept(this, name);
        }

        @Override
        public String state() {
            return state;
        }

        @Override
        public void kill() {
            signal("KILL");
        }
    }

    private void rank(BiConsumer<Scripted, String> script) {
        ranks.add(new Scripted(ranks.size(), script));
    }

    private static void saves(Scripted rank, String signal) {
        rank.end(signal.equals("KILL") ? 137 : 75);
    }

    private static void hangs(Scripted rank, String signal) {
        if (signal.equals("KILL")) {
            rank.end(137);
        }
    }

    private Attempt attempt(Duration grace, Duration save, Attempt.Others others) {
        return new Attempt(0, List.copyOf(ranks), new Limits(LONG, grace, save, LONG, LONG, LONG), SHORT, others);
    }

    @Test
    void aRankThatHangsInTheSaveIsNamedAndKilled() {
        rank(AttemptTest::saves);
        rank(AttemptTest::hangs);
        Attempt attempt = attempt(LONG, SHORT, Attempt.Others.NONE);
        attempt.signal("USR1");
        Outcome outcome = attempt.await();
        assertEquals(3, outcome.status());
        assertTrue(outcome.cause().matches("rank 1 on .* \\(pid 101\\) did not end within 0 s of SIGUSR1 and was killed"), outcome.cause());
        assertEquals(List.of("USR1", "QUIT", "KILL"), ranks.get(1).signals, "a dump of its threads before it is gone");
        assertEquals(List.of(1), attempt.failures().stream().map(Failure::rank).toList());
    }

    /** In a save all wait for one, and all are killed: the one is the verdict. */
    @Test
    void ofSeveralThatHangTheStoppedOneComesFirst() {
        rank(AttemptTest::hangs);
        rank(AttemptTest::hangs);
        ranks.get(1).state = "stopped, as by SIGSTOP";
        Attempt attempt = attempt(LONG, SHORT, Attempt.Others.NONE);
        attempt.signal("TERM");
        String cause = attempt.await().cause();
        assertTrue(cause.matches("rank 1 on .* did not end within 0 s of SIGTERM \\(stopped, as by SIGSTOP\\) and was killed; rank 0 on .* s of SIGTERM and was killed"),
                cause);
    }

    @Test
    void whereNobodySaysHowLongASaveMayTakeItTakesWhatItTakes() throws Exception {
        rank((r, signal) -> { });
        Attempt attempt = attempt(SHORT, Duration.ZERO, Attempt.Others.NONE);
        FutureTask<Outcome> run = run(attempt);
        attempt.signal("TERM");
        ranks.get(0).end(75);
        assertEquals(75, run.get().status());
        assertEquals(List.of("TERM"), ranks.get(0).signals);
    }

    @Test
    void theRankThatOthersFailedForIsNamedWithTheFirstWords() {
        rank(AttemptTest::hangs);
        rank((r, signal) -> { });
        Attempt attempt = attempt(SHORT, Duration.ZERO, Attempt.Others.NONE);
        ranks.get(1).end(3);
        Outcome outcome = attempt.await();
        assertEquals(3, outcome.status());
        assertTrue(outcome.cause().matches("rank 1 on .* ended with status 3: words of b; rank 0 on .* did not end within 0 s and was killed"), outcome.cause());
        assertTrue(outcome.mayBeMended());
    }

    /** A process that waits for a driver in the kernel outlives a kill; without an end to the waiting the launcher hung with it. */
    @Test
    void aRankThatNothingEndsEndsTheLauncherAndIsNotStartedAgain() {
        rank((r, signal) -> { });
        rank((r, signal) -> { });
        Attempt attempt = attempt(SHORT, Duration.ZERO, Attempt.Others.NONE);
        ranks.get(1).end(3);
        Outcome outcome = attempt.await();
        assertEquals(3, outcome.status());
        assertTrue(outcome.cause().contains("rank 0 (pid 100) on ") && outcome.cause().contains("not gone: hung in the kernel"), outcome.cause());
        assertFalse(outcome.mayBeMended());
    }

    /** A scheduler signals every process of a job, in any order. */
    @Test
    void aRankMayEndByTheSignalBeforeTheLauncherHasHeardOfIt() throws Exception {
        rank((r, signal) -> r.end(143));
        rank((r, signal) -> r.end(143));
        Attempt attempt = attempt(LONG, Duration.ZERO, Attempt.Others.NONE);
        ranks.get(0).end(143);
        FutureTask<Outcome> run = run(attempt);
        attempt.signal("TERM");
        assertEquals(75, run.get().status());
    }

    @Test
    void anotherNodesEndEndsThisOneButNotASave() throws Exception {
        rank(AttemptTest::hangs);
        Outcome outcome = attempt(LONG, Duration.ZERO, gone()).await();
        assertEquals("node 2 (gpu09) went silent: no word", outcome.cause());
        ranks.clear();
        rank((r, signal) -> { });
        Attempt saving = attempt(LONG, Duration.ZERO, gone());
        saving.signal("TERM");
        FutureTask<Outcome> run = run(saving);
        ranks.get(0).end(75);
        assertEquals(75, run.get().status());
    }

    private static Attempt.Others gone() {
        return new Attempt.Others() {
            @Override
            public boolean watched() {
                return true;
            }

            @Override
            public Optional<Attempt.Gone> gone() {
                Failure lost = Failure.lost(2, "gpu09", "no word");
                return Optional.of(new Attempt.Gone(lost.text(), Optional.of(lost)));
            }
        };
    }

    private static FutureTask<Outcome> run(Attempt attempt) {
        FutureTask<Outcome> task = new FutureTask<>(attempt::await);
        new Thread(task, "attempt").start();
        return task;
    }
}
