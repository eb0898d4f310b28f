package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A job of real processes that are killed at random moments, and at every kind of moment on purpose, ends as the undisturbed one does.
 * {@code -Dlonghaul.fault.kills=50} kills more often than the ordinary test run, {@code -Dlonghaul.fault.seed=N} repeats a run.
 */
class FaultTest {
    private static final int KILLS = Integer.getInteger("longhaul.fault.kills", 4);
    private static final long SEED = Long.getLong("longhaul.fault.seed", System.nanoTime());

    @TempDir
    private static Path folder;

    private static KillRig straight;

    @BeforeAll
    static void runUndisturbed() throws Exception {
        straight = rig("straight");
        assertEquals(0, launch(straight, 0).waitFor(), straight.log());
    }

    @Test
    void killedRanksAndLaunchersCostNoMoreThanTheIntervalAllows() throws Exception {
        System.out.println("fault seed " + SEED);
        KillRig killed = rig("killed");
        killed.kill(KILLS, SEED);
        assertEquals(0, launch(killed, 0).waitFor(), killed.log());
        System.out.println(killed.summary());
        TrainerTest.sameState(straight.run(), killed.run());
        assertEquals(TrainerTest.losses(straight.run()), TrainerTest.losses(killed.run()));
    }

    private static KillRig rig(String name) {
        Path run = folder.resolve(name);
        return new KillRig(run, run.resolve("checkpoints").toString(), List.of(), "steps=" + Math.max(600, 100 * KILLS));
    }

    private static Process launch(KillRig rig, int restarts) throws IOException {
        return rig.launch(restarts, "60s", "", "", KillRig.promise(0));
    }

    private static Process node(KillRig rig, int node, int port, String faults) throws IOException {
        return rig.launch(5, "60s", faults, node + "/2/" + port + "/job7", KillRig.promise(0));
    }

    @Test
    void aStoppedRankIsNamed() throws Exception {
        KillRig run = rig("hung");
        Process launcher = run.launch(0, "5s", "", "", KillRig.promise(0));
        while (run.newestStep() < 0) {
            assertTrue(launcher.isAlive(), run.log());
            TimeUnit.MILLISECONDS.sleep(50);
        }
        ProcessHandle victim = launcher.children().filter(ProcessHandle::isAlive).findFirst().orElseThrow();
        new ProcessBuilder("kill", "-STOP", Long.toString(victim.pid())).start().waitFor();
        assertTrue(launcher.waitFor(120, TimeUnit.SECONDS), "the launcher hangs with its rank");
        assertEquals(3, launcher.exitValue(), run.log());
        assertTrue(run.log().matches("(?s).*waited 5 s for rank [01].*"), run.log());
    }

    /** Two launchers as of two nodes, one rank each; the killed one is started again, as a scheduler would, and the job goes on. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void aJobOfTwoNodesOutlivesTheKillOfALauncher(int victim) throws Exception {
        KillRig run = rig("nodes" + victim);
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        Process[] nodes = {node(run, 0, port, ""), node(run, 1, port, "")};
        while (run.newestStep() < 2 * KillRig.INTERVAL) {
            assertTrue(nodes[0].isAlive() && nodes[1].isAlive(), run.log());
            TimeUnit.MILLISECONDS.sleep(20);
        }
        nodes[victim].destroyForcibly().waitFor();
        long committed = run.newestStep();
        nodes[victim] = node(run, victim, port, "");
        assertEquals(0, nodes[0].waitFor(), run.log());
        assertEquals(0, nodes[1].waitFor(), run.log());
        Matcher resumed = KillRig.RESUMED.matcher(run.log());
        assertTrue(resumed.find(), run.log());
        assertTrue(Long.parseLong(resumed.group(1)) >= committed, run.log());
        TrainerTest.sameState(straight.run(), run.run());
    }

    @Test
    void wrongInputOnOneNodeEndsTheJobOnBoth() throws Exception {
        KillRig run = rig("wrong");
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        Process leader = node(run, 0, port, "");
        Process follower = node(run, 1, port, "boom=1");
        assertEquals(2, follower.waitFor(), run.log());
        assertEquals(2, leader.waitFor(), run.log());
        // Each launcher names the rank that failed first, wherever it ran.
        assertEquals(2, Pattern.compile("error: rank 1 on \\S+ \\(pid \\d+\\) ended with status 2: .*boom=1").matcher(run.log()).results().count(), run.log());
    }

    /** One of the signals to the launcher: every rank saves the same step, the launcher asks for a requeue, and the next start goes on. */
    @ParameterizedTest
    @ValueSource(strings = {"TERM", "USR1"})
    void aSignalToTheLauncherSavesOnAllRanksAndAsksForARequeue(String signal) throws Exception {
        KillRig run = rig(signal);
        Process launcher = launch(run, 3);
        while (run.newestStep() < KillRig.INTERVAL) {
            assertTrue(launcher.isAlive(), run.log());
            TimeUnit.MILLISECONDS.sleep(20);
        }
        new ProcessBuilder("kill", "-" + signal, Long.toString(launcher.pid())).start().waitFor();
        assertEquals(75, launcher.waitFor(), run.log());
        long saved = run.newestStep();
        assertEquals(run.lastStep(), saved, "nothing is lost\n" + run.log());
        assertTrue(run.log().contains("stopped by SIG" + signal + " at step " + saved), run.log());
        assertEquals(0, launch(run, 0).waitFor(), run.log());
        assertTrue(run.log().contains("resumed at step " + saved + " "), run.log());
    }
}
