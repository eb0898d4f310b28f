package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.longhaul.checkpoint.CheckpointInfo;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.config.ConfigWriter;
import org.longhaul.launch.TestLauncher;
import org.longhaul.metrics.MetricsFile;
import org.longhaul.trust.Faults;

/** A job of a launcher and two ranks as real processes, its checkpoints anywhere, that is killed and started again. */
final class KillRig {
    static final int INTERVAL = 20;
    /** How long a fault may cost where the limit is a time. */
    static final double SECONDS = 3;
    static final Pattern RESUMED = Pattern.compile("resumed at step (\\d+) ");

    /** A pace of some eight steps a second for what waits for saves by the clock: a quick machine would be done with the job meanwhile. */
    private static final String PACE = "slow=0:60";

    private static final double TOKENS = 8 * 32;

    private final Path run;
    private final String checkpoints;
    private final List<String> overrides;
    private final List<String> jvm;
    private final Map<String, Integer> struck = new TreeMap<>();
    private int kills;
    private int launches;
    private long lostSteps;
    private double lostSeconds;

    /** Where a kill strikes: the points of the program that belong to a moment; none means any time. */
    enum Moment {
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

    /** A job whose files lie in {@code run}; {@code jvm} are more options of its processes. */
    KillRig(Path run, String checkpoints, List<String> jvm, String... overrides) {
        this.run = run;
        this.checkpoints = checkpoints;
        this.jvm = jvm;
        this.overrides = new ArrayList<>(List.of("batch.micro_batch=2", "validation.every=0", "mesh.data=2", "ranks.join_timeout=60s",
                "ranks.hash_every=50", "checkpoint.path=" + checkpoints));
        this.overrides.addAll(Arrays.asList(overrides));
    }

    /** A limit in steps and one in time by turns: either is kept whatever the machine does, since training waits where it must. */
    static String[] promise(int launch) {
        String limit = launch % 2 == 0 ? "ephemeral_steps: " + INTERVAL + ", ephemeral_every: 0s" : "ephemeral_every: " + (int) SECONDS + "s";
        return new String[] {"checkpoint.retention={" + limit + ", keep_ephemeral: 3, strict: true}"};
    }

    /** Kills until so many have struck; after each the job must go on from the newest complete checkpoint, and have lost no more than allowed. */
    void kill(int wanted, long seed) throws Exception {
        Random random = new Random(seed);
        while (kills < wanted) {
            Moment moment = Moment.values()[(int) ((launches + (seed & 7)) % Moment.values().length)];
            boolean launcherDies = random.nextInt(3) == 0;
            long before = newestStep();
            if (moment == Moment.MID_LOAD && before < 0) {
                moment = Moment.MID_STEP;
            }
            boolean bySteps = launches % 2 == 0;
            int mark = log().length();
            Instant began = Instant.now();
            String planted = moment == Moment.ANY_TIME ? "" : fault(moment, launcherDies, random);
            String faults = bySteps ? planted : planted.isEmpty() ? PACE : planted + "," + PACE;
            Process launcher = launch(0, "60s", faults, "", promise(launches));
            launches++;
            boolean hit = moment == Moment.ANY_TIME && killAtAnyTime(launcher, launcherDies, random);
            int status = launcher.waitFor();
            awaitEndOfRanks(launcher);
            String said = log().substring(mark);
            if (hit || said.contains("planted fault: kill -9")) {
                kills++;
                struck.merge(moment.name().toLowerCase(Locale.ROOT) + (launcherDies ? ", launcher" : ", rank"), 1, Integer::sum);
            }
            assertTrue(status != 0, "the job was over after " + kills + " kills: it needs more steps");
            assertTrue(launches <= 2 * wanted + 4, "the job does not get anywhere\n" + log());
            // A start goes on from the newest complete checkpoint there is, and none is ever lost.
            Matcher resumed = RESUMED.matcher(said);
            if (resumed.find()) {
                assertEquals(before, Long.parseLong(resumed.group(1)), said);
            }
            long after = newestStep();
            assertTrue(after >= before, "a committed checkpoint was lost: " + before + ", then " + after);
            // Who is killed before the first step leaves the lines of the start before, which had another promise.
            List<JsonNode> steps = steps();
            if (!steps.isEmpty() && !Instant.parse(steps.get(steps.size() - 1).get("time").asText()).isBefore(began.truncatedTo(ChronoUnit.MILLIS))) {
                lost(bySteps, steps, after, said);
            }
        }
    }

    private void lost(boolean bySteps, List<JsonNode> steps, long after, String said) {
        long lost = steps.get(steps.size() - 1).get("step").asLong() - Math.max(0, after);
        if (bySteps) {
            lostSteps = Math.max(lostSteps, lost);
            assertTrue(lost <= INTERVAL, lost + " steps were lost\n" + said);
        } else {
            double seconds = steps.get(steps.size() - 1).get("checkpoint_age_seconds").asDouble();
            lostSeconds = Math.max(lostSeconds, seconds);
            // No step is broken off: where the machine stands still within one, that much more is lost.
            double longest = steps.stream().skip(Math.max(0, after)).mapToDouble(l -> TOKENS / l.get("tokens_per_second").asDouble()).max().orElse(0);
            assertTrue(seconds <= SECONDS + longest, seconds + " s were lost, the longest step took " + longest + " s\n" + said);
        }
    }

    /** What the kills were and cost. */
    String summary() {
        return String.format(Locale.ROOT, "%d kills in %d launches: %s; the most that one cost is %d steps where the limit is %d, and %.2f s where it is %.0f s",
                kills, launches, struck, lostSteps, INTERVAL, lostSeconds, SECONDS);
    }

    private String fault(Moment moment, boolean launcher, Random random) {
        String drawn = moment.points[random.nextInt(moment.points.length)];
        // An object store has no rename: DONE is written, and the save is committed.
        String point = checkpoints.startsWith("s3a:") && drawn.equals("checkpoint.rename") ? "checkpoint.renamed" : drawn;
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

    private boolean killAtAnyTime(Process launcher, boolean launcherDies, Random random) throws Exception {
        long progress = random.nextBoolean() ? -1 : newestStep() + (long) INTERVAL * random.nextInt(3);
        while (launcher.isAlive() && newestStep() < progress) {
            TimeUnit.MILLISECONDS.sleep(20);
        }
        // From the start of a process to its first steps; a quick machine must not be done with the job meanwhile.
        if (launcher.waitFor(random.nextInt(progress < 0 ? 1500 : 300), TimeUnit.MILLISECONDS)) {
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

    /** Starts the launcher; {@code node} is empty, or {@code NODE/NODES/PORT/JOB} for one of several with a rank each. */
    Process launch(int restarts, String stall, String faults, String node, String... more) throws IOException {
        Files.createDirectories(run);
        // Each start has its own file: on two nodes they may start at once.
        Path yaml = Files.createTempFile(run, "job", ".yaml");
        List<String> all = new ArrayList<>(overrides);
        all.add("ranks.stall_timeout=" + stall);
        all.addAll(Arrays.asList(more));
        Files.writeString(yaml, ConfigWriter.toYaml(TrainerTest.config(run, all.toArray(String[]::new))));
        String java = ProcessHandle.current().info().command().orElseThrow();
        List<String> program = new ArrayList<>(List.of(java, "-Xmx256m", "-XX:TieredStopAtLevel=1"));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(a -> a.startsWith("--add-opens") || a.startsWith("--enable") || a.startsWith("--sun")).forEach(program::add);
        program.addAll(jvm);
        program.addAll(List.of("-cp", System.getProperty("java.class.path")));
        List<String> command = new ArrayList<>(program);
        if (!node.isEmpty()) {
            String[] place = node.split("/");
            command.addAll(1, List.of("-Dtest.node=" + place[0], "-Dtest.nodes=" + place[1], "-Dtest.port=" + place[2], "-Dtest.job=" + place[3]));
        }
        command.addAll(List.of(TestLauncher.class.getName(), node.isEmpty() ? "2" : "1", Integer.toString(restarts)));
        command.addAll(program);
        command.addAll(List.of(TestRank.class.getName(), yaml.toString()));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(run.resolve("log").toFile()));
        builder.environment().put(Faults.VARIABLE, faults);
        return builder.start();
    }

    /** The step of the newest complete checkpoint, −1 for none. */
    long newestStep() {
        try (CheckpointStore store = CheckpointStore.open(checkpoints)) {
            return store.newestComplete().map(CheckpointInfo::step).orElse(-1L);
        }
    }

    /** The last step whose results were written. */
    long lastStep() throws IOException {
        return steps().stream().mapToLong(l -> l.get("step").asLong()).max().orElse(0);
    }

    private List<JsonNode> steps() throws IOException {
        Path metrics = run.resolve("metrics.jsonl");
        return !Files.exists(metrics) ? List.of() : MetricsFile.read(metrics).stream().filter(l -> l.has("loss")).toList();
    }

    String log() throws IOException {
        return Files.exists(run.resolve("log")) ? Files.readString(run.resolve("log")) : "";
    }

    String checkpoints() {
        return checkpoints;
    }

    Path run() {
        return run;
    }
}
