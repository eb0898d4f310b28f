package org.longhaul.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;

class LauncherTest {
    private Duration lasting = Duration.ofHours(1);
    private Duration save = Duration.ZERO;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    @Test
    void everyRankKnowsItsPlaceAndItsLinesCarryIt() {
        assertEquals(0, launch("echo I am $RANK of $WORLD_SIZE at $MASTER_ADDR; echo threads $OMP_NUM_THREADS", 3, 0));
        for (int r = 0; r < 3; r++) {
            assertTrue(text().contains("[rank " + r + "] I am " + r + " of 3 at 127.0.0.1"), text());
            assertTrue(text().matches("(?s).*\\[rank " + r + "] threads [1-9].*"), text());
        }
    }

    @Test
    void theFirstFailureStopsTheOthersAndIsTheStatus() {
        assertEquals(3, launch("if [ $RANK = 1 ]; then echo 'longhaul: no GPU 1'; exit 3; else exec sleep 100; fi", 3, 0));
    }

    @Test
    void restartsUntilItWorks(@TempDir Path dir) throws IOException {
        Path tries = dir.resolve("tries");
        assertEquals(0, launch("echo $LONGHAUL_ATTEMPT >> " + tries + "; [ $LONGHAUL_ATTEMPT = 2 ] || exit 70", 1, 3));
        assertEquals(List.of("0", "1", "2"), Files.readAllLines(tries));
    }

    @Test
    void failuresCountInARowAndALastingAttemptForgetsThem(@TempDir Path dir) throws IOException {
        Path tries = dir.resolve("tries");
        String fails = "echo x >> " + tries + "; [ $LONGHAUL_ATTEMPT = 5 ] || exit 70";
        assertEquals(70, launch(fails, 1, 2));
        assertEquals(3, Files.readAllLines(tries).size());
        lasting = Duration.ZERO;
        assertEquals(0, launch(fails, 1, 1));
        assertEquals(3 + 6, Files.readAllLines(tries).size());
    }

    @Test
    void wrongInputIsNotTriedAgain(@TempDir Path dir) throws IOException {
        Path tries = dir.resolve("tries");
        assertEquals(2, launch("echo x >> " + tries + "; exit 2", 1, 3));
        assertEquals(1, Files.readAllLines(tries).size());
    }

    @Test
    void ranksStoppedAfterSavingAskForARequeue() {
        assertEquals(75, launch("exit 75", 2, 3));
    }

    @Test
    void aRankThatIgnoresTheSignalIsKilled() {
        // Rank 0 fails only once rank 1 has set its trap.
        assertEquals(70, launch("if [ $RANK = 1 ]; then trap '' TERM; touch $PWD/target/$LONGHAUL_JOB_TOKEN; "
                + "while :; do sleep 1; done; else until [ -e $PWD/target/$LONGHAUL_JOB_TOKEN ]; do sleep 0.05; done; exit 70; fi", 2, 0));
    }

    @Test
    void aTerminalsInterruptGoesOnAsTermBecauseRanksHaveItAlready() throws InterruptedException {
        String ready = "interrupted" + System.nanoTime();
        assertEquals(75, signalled("INT", ready, "trap 'echo interrupted; exit 130' INT; trap 'echo asked; exit 75' TERM; echo " + ready
                + "; while :; do sleep 0.05; done"));
        assertTrue(text().contains("[rank 0] asked") && !text().contains("] interrupted\n"), text());
    }

    @Test
    void ranksThatASignalMetBeforeTheyListenedAskForARequeue() throws InterruptedException {
        assertEquals(75, signalled("USR1", "early", "echo early; exec sleep 100"));
    }

    @Test
    void aRankKilledFromOutsideIsTheMachinesFaultNotOurs() {
        assertEquals(3, launch("if [ $RANK = 1 ]; then echo 'step 7'; kill -9 $$; else exec sleep 100; fi", 2, 0));
    }

    @Test
    void aSignalEndsTheWaitForOtherNodes() {
        for (int node = 0; node < 2; node++) {
            Launcher.Plan plan = new Launcher.Plan(List.of("true"), 1, 2, node, "127.0.0.1", node == 0 ? 0 : 9, "alone", 0, limits(Duration.ofMinutes(10)), false);
            Launcher launcher = new Launcher(plan, System.out);
            launcher.signal("TERM");
            UserError e = assertThrows(UserError.class, launcher::run);
            assertEquals(ExitCode.REQUEUE, e.exitCode());
        }
    }

    @Test
    void ranksThatShareGpusAreHostsOfTheirOwnToNccl() {
        String shell = "echo share=$LONGHAUL_SHARE_GPUS host=$NCCL_HOSTID net=$NCCL_NET";
        assertEquals(0, launch(shell, 2, 0));
        assertTrue(text().contains("[rank 1] share= host="), text());
        shareGpus = true;
        assertEquals(0, launch(shell, 2, 0));
        for (int rank = 0; rank < 2; rank++) {
            assertTrue(text().contains("[rank " + rank + "] share=1 host=longhaul-rank-" + rank + " net=Socket"), text());
        }
    }

    @Test
    void whatTheUserChoseOfNcclStaysButTheHosts() {
        Map<String, String> outer = Map.of("NCCL_NET", "IB", "NCCL_HOSTID", "all the same", "NCCL_MAX_NCHANNELS", "8");
        Map<String, String> set = SharedGpus.environment(3, 2, outer);
        assertEquals("longhaul-rank-3", set.get("NCCL_HOSTID"));
        assertFalse(set.containsKey("NCCL_NET") || set.containsKey("NCCL_MAX_NCHANNELS"), set.toString());
        assertFalse(set.containsKey("NCCL_SOCKET_IFNAME"), "ranks of another node are not on this one's loop-back");
        assertTrue(SharedGpus.on(set));
        assertFalse(SharedGpus.on(outer));
    }

    /** Ranks that were started behind the signal would never hear of it, and the scheduler would kill them unsaved. */
    @Test
    void aSignalBeforeTheRanksAreStartedStartsNone() {
        Launcher launcher = new Launcher(plan("echo started", 2, 3), new PrintStream(bytes, true, StandardCharsets.UTF_8));
        launcher.signal("TERM");
        assertEquals(75, launcher.run());
        assertEquals("", text());
    }

    @Test
    void aRankThatHangsInTheSaveIsKilledBeforeTheSchedulerKillsAll() throws InterruptedException {
        save = Duration.ofSeconds(1);
        assertEquals(3, signalled("USR1", "here", "if [ $RANK = 1 ]; then trap '' USR1; else trap 'exit 75' USR1; fi; echo here; while :; do sleep 0.05; done"));
    }

    /** A terminal that is gone takes no save with it. */
    @Test
    void aLostTerminalIsASignalToSave() throws InterruptedException {
        assertEquals(75, signalled("HUP", "here", "trap 'exit 75' TERM; echo here; while :; do sleep 0.05; done"));
    }

    @Test
    void aRankThatCannotBeStartedIsTriedAgainAndLeavesNoOthers() {
        Launcher.Plan plan = new Launcher.Plan(List.of("/nowhere/java"), 2, 1, 0, "127.0.0.1", 0, "none" + System.nanoTime(), 1,
                limits(Duration.ofSeconds(30)), false);
        assertEquals(3, new Launcher(plan, System.out).run());
    }

    @Test
    void restartsInARowComeFurtherApart() {
        Limits limits = new Limits(lasting, lasting, save, lasting, Duration.ofSeconds(10), lasting);
        assertEquals(List.of(0L, 10L, 30L, 90L, 270L, 300L, 300L),
                IntStream.rangeClosed(1, 7).mapToObj(n -> limits.pauseBefore(n).toSeconds()).toList());
        assertEquals(0, limits(lasting).pauseBefore(9).toSeconds());
    }

    private int signalled(String name, String ready, String shell) throws InterruptedException {
        CountDownLatch listening = new CountDownLatch(2);
        PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8) {
            @Override
            public void println(String line) {
                super.println(line);
                if (line.endsWith(ready)) {
                    listening.countDown();
                }
            }
        };
        Launcher launcher = new Launcher(plan(shell, 2, 3), out);
        FutureTask<Integer> run = new FutureTask<>(launcher::run);
        new Thread(run, "launcher").start();
        assertTrue(listening.await(60, TimeUnit.SECONDS), text());
        launcher.signal(name);
        try {
            return run.get();
        } catch (ExecutionException e) {
            throw new AssertionError(e.getCause());
        }
    }

    private int launch(String shell, int processes, int restarts) {
        return new Launcher(plan(shell, processes, restarts), new PrintStream(bytes, true, StandardCharsets.UTF_8)).run();
    }

    private boolean shareGpus;

    private Launcher.Plan plan(String shell, int processes, int restarts) {
        return new Launcher.Plan(List.of("sh", "-c", shell), processes, 1, 0, "127.0.0.1", 0,
                "test" + System.nanoTime(), restarts, limits(Duration.ofSeconds(30)), shareGpus);
    }

    private Limits limits(Duration join) {
        return new Limits(lasting, Duration.ofSeconds(1), save, join, Duration.ZERO, Duration.ofMinutes(2));
    }

    private String text() {
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
