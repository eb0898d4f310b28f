package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.checkpoint.CheckpointInfo;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.config.ConfigWriter;
import org.longhaul.launch.TestLauncher;

/**
 * A job of real processes that are killed at random moments ends as the undisturbed one does. {@code -Dlonghaul.fault.kills=50}
 * kills more often than the ordinary test run, {@code -Dlonghaul.fault.seed=N} repeats a run.
 */
class FaultTest {
    private static final int KILLS = Integer.getInteger("longhaul.fault.kills", 4);
    private static final long SEED = Long.getLong("longhaul.fault.seed", System.nanoTime());

    @TempDir
    private Path folder;

    @Test
    void killedRanksAndLaunchersCostNothingButTime() throws Exception {
        System.out.println("fault seed " + SEED);
        Random random = new Random(SEED);
        Path straight = folder.resolve("straight");
        Process undisturbed = launch(straight, 0, "60s");
        assertEquals(0, undisturbed.waitFor(), log(straight));

        Path killed = folder.resolve("killed");
        int kills = 0;
        int starts = 0;
        List<Long> saved = new ArrayList<>();
        while (true) {
            Process launcher = launch(killed, 3, "60s");
            starts++;
            while (launcher.isAlive() && kills < KILLS) {
                // Half of the kills come at any time, half some checkpoints further on.
                long progress = random.nextBoolean() ? -1 : newestStep(killed) + 20L * random.nextInt(6);
                if (launcher.waitFor(random.nextInt(progress < 0 ? 8000 : 300), TimeUnit.MILLISECONDS)) {
                    break;
                }
                while (launcher.isAlive() && newestStep(killed) < progress) {
                    TimeUnit.MILLISECONDS.sleep(random.nextInt(40));
                }
                List<ProcessHandle> victims = new ArrayList<>(launcher.descendants().toList());
                victims.add(launcher.toHandle());
                victims.get(random.nextInt(victims.size())).destroyForcibly();
                kills++;
            }
            int status = launcher.waitFor();
            saved.add(newestStep(killed));
            if (status == 0) {
                break;
            }
            assertTrue(starts <= 4 * KILLS + 4, "the job does not get anywhere\n" + log(killed));
        }
        System.out.println(kills + " kills, " + starts + " launches, newest checkpoint after each: " + saved);
        assertTrue(kills >= Math.min(KILLS, 1), "nothing was killed");
        for (int i = 1; i < saved.size(); i++) {
            assertTrue(saved.get(i) >= saved.get(i - 1), "a committed checkpoint was lost: " + saved);
        }
        TrainerTest.sameState(straight, killed);
    }

    @Test
    void aStoppedRankIsNamed() throws Exception {
        Path run = folder.resolve("hung");
        Process launcher = launch(run, 0, "5s");
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

    private Process launch(Path run, int restarts, String stall) throws IOException {
        Files.createDirectories(run);
        Path yaml = run.resolve("job.yaml");
        TrainConfig config = TrainerTest.config(
                run, "steps=" + Math.max(600, 60 * KILLS), "batch.micro_batch=2", "validation.every=0", "mesh.data=2", "ranks.stall_timeout=" + stall, "ranks.join_timeout=60s",
                "checkpoint.retention.permanent_every=20", "checkpoint.retention.keep_permanent=3", "ranks.hash_every=50");
        Files.writeString(yaml, ConfigWriter.toYaml(config));
        String java = ProcessHandle.current().info().command().orElseThrow();
        List<String> jvm = new ArrayList<>(List.of(java, "-Xmx256m", "-XX:TieredStopAtLevel=1"));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(a -> a.startsWith("--add-opens") || a.startsWith("--enable") || a.startsWith("--sun")).forEach(jvm::add);
        jvm.addAll(List.of("-cp", System.getProperty("java.class.path")));
        List<String> command = new ArrayList<>(jvm);
        command.addAll(List.of(TestLauncher.class.getName(), "2", Integer.toString(restarts)));
        command.addAll(jvm);
        command.addAll(List.of(TestRank.class.getName(), yaml.toString()));
        return new ProcessBuilder(command).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(run.resolve("log").toFile())).start();
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
        return Files.readString(run.resolve("log"));
    }
}
