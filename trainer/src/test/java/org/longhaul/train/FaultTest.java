package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.checkpoint.CheckpointInfo;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.config.ConfigWriter;
import org.longhaul.launch.TestLauncher;
import org.longhaul.metrics.MetricsFile;
import org.longhaul.trust.Faults;

/**
 * A job of real processes that are killed at random moments, and at every kind of moment on purpose, ends as the undisturbed one does.
 * {@code -Dlonghaul.fault.kills=50} kills more often than the ordinary test run, {@code -Dlonghaul.fault.seed=N} repeats a run.
 */
class FaultTest {
    private static final int KILLS = Integer.getInteger("longhaul.fault.kills", 4);
    private static final long SEED = Long.getLong("longhaul.fault.seed", System.nanoTime());

    private static final int INTERVAL = 20;
    private static final Pattern RESUMED = Pattern.compile("resumed at step (\\d+) ");

    @TempDir
    private static Path folder;

    private static Path straight;

    @BeforeAll
    static void runUndisturbed() throws Exception {
        straight = folder.resolve("straight");
        assertEquals(0, launch(straight, 0, "60s", "").waitFor(), log(straight));
    }

    /** Where a kill strikes: the points of the program that belong to a moment; none means any time. */
    private enum Moment {
        MID_STEP("train.gradients", "train.update"),
        MID_SAVE("checkpoint.write", "checkpoint.writing", "checkpoint.manifest", "checkpoint.done"),
        MID_RENAME("checkpoint.rename", "checkpoint.renamed"),
        MID_DELETE("checkpoint.delete", "checkpoint.deleting"),
        MID_LOAD("checkpoint.load"),
        ANY_TIME();

        private final String[] points;

        Moment(String... points) {
            this.points = points;
        }
    }

    @Test
    void killedRanksAndLaunchersCostNothingButTime() throws Exception {
        System.out.println("fault seed " + SEED);
        Random random = new Random(SEED);
        Path killed = folder.resolve("killed");
        Map<String, Integer> struck = new TreeMap<>();
        int kills = 0;
        int launches = 0;
        long lost = 0;
        while (kills < KILLS) {
            Moment moment = Moment.values()[(int) ((launches + (SEED & 7)) % Moment.values().length)];
            boolean launcherDies = random.nextInt(3) == 0;
            long before = newestStep(killed);
            if (moment == Moment.MID_LOAD && before < 0) {
                moment = Moment.MID_STEP;
            }
            int mark = log(killed).length();
            Process launcher = launch(killed, 0, "60s", moment == Moment.ANY_TIME ? "" : fault(moment, launcherDies, random));
            launches++;
            boolean hit = moment == Moment.ANY_TIME && killAtAnyTime(launcher, killed, launcherDies, random);
            int status = launcher.waitFor();
            awaitEndOfRanks(launcher);
            String said = log(killed).substring(mark);
            if (hit || said.contains("planted fault: kill -9")) {
                kills++;
                struck.merge(moment.name().toLowerCase(Locale.ROOT) + (launcherDies ? ", launcher" : ", rank"), 1, Integer::sum);
            }
            assertTrue(status != 0, "the job was over after " + kills + " kills: it needs more steps");
            assertTrue(launches <= 2 * KILLS + 4, "the job does not get anywhere\n" + log(killed));
            // A start goes on from the newest complete checkpoint there is, and none is ever lost.
            Matcher resumed = RESUMED.matcher(said);
            if (resumed.find()) {
                assertEquals(before, Long.parseLong(resumed.group(1)), said);
            }
            long after = newestStep(killed);
            assertTrue(after >= before, "a committed checkpoint was lost: " + before + ", then " + after);
            lost = Math.max(lost, lastStep(killed) - Math.max(0, after));
        }
        assertEquals(0, launch(killed, 0, "60s", "").waitFor(), log(killed));
        System.out.println(kills + " kills in " + launches + " launches: " + struck + "; the most that one cost is " + lost + " steps of an interval of "
                + INTERVAL);
        // A save that is still being written when the next is due makes that one wait.
        assertTrue(lost < 2 * INTERVAL, lost + " steps were lost");
        TrainerTest.sameState(straight, killed);
        assertEquals(TrainerTest.losses(straight), TrainerTest.losses(killed));
    }

    private static String fault(Moment moment, boolean launcher, Random random) {
        String point = moment.points[random.nextInt(moment.points.length)];
        int passage = 1 + switch (moment) {
            case MID_STEP -> random.nextInt(3 * INTERVAL);
            case MID_SAVE -> point.endsWith("writing") ? random.nextInt(60) : random.nextInt(3);
            case MID_DELETE -> random.nextInt(3);
            default -> 0;
        };
        // Only rank 0 commits and deletes.
        boolean all = moment == Moment.MID_STEP || moment == Moment.MID_LOAD || point.startsWith("checkpoint.writ");
        return (launcher ? "kill-launcher=" : "kill=") + point + ":" + passage + ":" + (all ? random.nextInt(2) : 0);
    }

    private static boolean killAtAnyTime(Process launcher, Path run, boolean launcherDies, Random random) throws Exception {
        long progress = random.nextBoolean() ? -1 : newestStep(run) + (long) INTERVAL * random.nextInt(3);
        while (launcher.isAlive() && newestStep(run) < progress) {
            TimeUnit.MILLISECONDS.sleep(20);
        }
        if (launcher.waitFor(random.nextInt(progress < 0 ? 4000 : 300), TimeUnit.MILLISECONDS)) {
            return false;
        }
        List<ProcessHandle> ranks = launcher.children().toList();
        return (launcherDies || ranks.isEmpty() ? launcher.toHandle() : ranks.get(random.nextInt(ranks.size()))).destroyForcibly();
    }

    // Ranks of a dead launcher end themselves; what they held is free then.
    private static void awaitEndOfRanks(Process launcher) throws Exception {
        String name = TestRank.class.getName();
        for (ProcessHandle p : ProcessHandle.allProcesses().filter(p -> p.parent().map(ProcessHandle::pid).orElse(1L) <= 1).toList()) {
            if (p.info().commandLine().orElse("").contains(name)) {
                p.onExit().get(60, TimeUnit.SECONDS);
            }
        }
        assertTrue(!launcher.isAlive());
    }

    private static long lastStep(Path run) throws IOException {
        Path metrics = run.resolve("metrics.jsonl");
        return !Files.exists(metrics) ? 0 : MetricsFile.read(metrics).stream().filter(l -> l.has("loss")).mapToLong(l -> l.get("step").asLong()).max().orElse(0);
    }

    @Test
    void aStoppedRankIsNamed() throws Exception {
        Path run = folder.resolve("hung");
        Process launcher = launch(run, 0, "5s", "");
        Path checkpoints = run.resolve("checkpoints");
        while (newestStep(run) < 0) {
            assertTrue(launcher.isAlive(), log(run));
            TimeUnit.MILLISECONDS.sleep(50);
        }
        assertTrue(Files.isDirectory(checkpoints));
        ProcessHandle victim = launcher.children().filter(ProcessHandle::isAlive).findFirst().orElseThrow();
        new ProcessBuilder("kill", "-STOP", Long.toString(victim.pid())).start().waitFor();
        assertTrue(launcher.waitFor(120, TimeUnit.SECONDS), "the launcher hangs with its rank");
        assertEquals(3, launcher.exitValue(), log(run));
        assertTrue(log(run).matches("(?s).*waited 5 s for rank [01].*"), log(run));
    }

    /** Two launchers as of two nodes, one rank each; the killed one is started again, as a scheduler would, and the job goes on. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void aJobOfTwoNodesOutlivesTheKillOfALauncher(int victim) throws Exception {
        Path run = folder.resolve("nodes" + victim);
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        Process[] nodes = {node(run, 0, port), node(run, 1, port)};
        while (newestStep(run) < 2 * INTERVAL) {
            assertTrue(nodes[0].isAlive() && nodes[1].isAlive(), log(run));
            TimeUnit.MILLISECONDS.sleep(20);
        }
        nodes[victim].destroyForcibly().waitFor();
        long committed = newestStep(run);
        nodes[victim] = node(run, victim, port);
        assertEquals(0, nodes[0].waitFor(), log(run));
        assertEquals(0, nodes[1].waitFor(), log(run));
        Matcher resumed = RESUMED.matcher(log(run));
        assertTrue(resumed.find(), log(run));
        assertTrue(Long.parseLong(resumed.group(1)) >= committed, log(run));
        TrainerTest.sameState(straight, run);
    }

    @Test
    void wrongInputOnOneNodeEndsTheJobOnBoth() throws Exception {
        Path run = folder.resolve("wrong");
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        Process leader = node(run, 0, port);
        Process follower = launch(run, 5, "60s", "boom=1", "1/2/" + port + "/job7");
        assertEquals(2, follower.waitFor(), log(run));
        assertEquals(2, leader.waitFor(), log(run));
        assertTrue(log(run).contains("node 1: rank 1"), log(run));
    }

    /** One of the signals to the launcher: every rank saves the same step, the launcher asks for a requeue, and the next start goes on. */
    @ParameterizedTest
    @ValueSource(strings = {"TERM", "USR1"})
    void aSignalToTheLauncherSavesOnAllRanksAndAsksForARequeue(String signal) throws Exception {
        Path run = folder.resolve(signal);
        Process launcher = launch(run, 3, "60s", "");
        while (newestStep(run) < INTERVAL) {
            assertTrue(launcher.isAlive(), log(run));
            TimeUnit.MILLISECONDS.sleep(20);
        }
        new ProcessBuilder("kill", "-" + signal, Long.toString(launcher.pid())).start().waitFor();
        assertEquals(75, launcher.waitFor(), log(run));
        long saved = newestStep(run);
        assertEquals(lastStep(run), saved, "nothing is lost\n" + log(run));
        assertTrue(log(run).contains("stopped by SIG" + signal + " at step " + saved), log(run));
        assertEquals(0, launch(run, 0, "60s", "").waitFor(), log(run));
        assertTrue(log(run).contains("resumed at step " + saved + " "), log(run));
    }

    private static Process node(Path run, int node, int port) throws IOException {
        return launch(run, 5, "60s", "", node + "/2/" + port + "/job7");
    }

    private static Process launch(Path run, int restarts, String stall, String faults) throws IOException {
        return launch(run, restarts, stall, faults, "");
    }

    private static Process launch(Path run, int restarts, String stall, String faults, String node) throws IOException {
        Files.createDirectories(run);
        Path yaml = run.resolve("job.yaml");
        TrainConfig config = TrainerTest.config(
                run, "steps=" + Math.max(600, 100 * KILLS), "batch.micro_batch=2", "validation.every=0", "mesh.data=2", "ranks.stall_timeout=" + stall, "ranks.join_timeout=60s",
                "checkpoint.retention.permanent_every=" + INTERVAL, "checkpoint.retention.keep_permanent=3", "ranks.hash_every=50");
        Files.writeString(yaml, ConfigWriter.toYaml(config));
        String java = ProcessHandle.current().info().command().orElseThrow();
        List<String> jvm = new ArrayList<>(List.of(java, "-Xmx256m", "-XX:TieredStopAtLevel=1"));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(a -> a.startsWith("--add-opens") || a.startsWith("--enable") || a.startsWith("--sun")).forEach(jvm::add);
        jvm.addAll(List.of("-cp", System.getProperty("java.class.path")));
        List<String> command = new ArrayList<>(jvm);
        if (!node.isEmpty()) {
            String[] place = node.split("/");
            command.addAll(1, List.of("-Dtest.node=" + place[0], "-Dtest.nodes=" + place[1], "-Dtest.port=" + place[2], "-Dtest.job=" + place[3]));
        }
        command.addAll(List.of(TestLauncher.class.getName(), node.isEmpty() ? "2" : "1", Integer.toString(restarts)));
        command.addAll(jvm);
        command.addAll(List.of(TestRank.class.getName(), yaml.toString()));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(run.resolve("log").toFile()));
        builder.environment().put(Faults.VARIABLE, faults);
        return builder.start();
    }

    private static long newestStep(Path run) throws IOException {
        Path checkpoints = run.resolve("checkpoints");
        if (!Files.isDirectory(checkpoints)) {
            return -1;
        }
        try (CheckpointStore store = CheckpointStore.open(checkpoints)) {
            return store.newestComplete().map(CheckpointInfo::step).orElse(-1L);
        }
    }

    private static String log(Path run) throws IOException {
        return Files.exists(run.resolve("log")) ? Files.readString(run.resolve("log")) : "";
    }
}
