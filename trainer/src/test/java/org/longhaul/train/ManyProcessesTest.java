package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.config.ConfigWriter;
import org.longhaul.launch.TestLauncher;

/** Processes find each other however they were started, and say in one line what is missing when they do not. */
class ManyProcessesTest {
    @TempDir
    private Path folder;

    private final List<Process> processes = new ArrayList<>();
    private Path run;

    @BeforeEach
    void name() {
        run = folder.resolve("run");
    }

    @AfterEach
    void end() {
        processes.stream().flatMap(p -> Stream.concat(p.descendants(), Stream.of(p.toHandle()))).forEach(ProcessHandle::destroyForcibly);
    }

    @Test
    void launchersOfTwoNodesMeet() throws Exception {
        String yaml = config("60s");
        int port = freePort();
        for (int node = 0; node < 2; node++) {
            List<String> command = new ArrayList<>(jvm("-Dtest.nodes=2", "-Dtest.node=" + node, "-Dtest.port=" + port, "-Dtest.job=two"));
            command.addAll(List.of(TestLauncher.class.getName(), "1", "0"));
            command.addAll(jvm());
            command.addAll(List.of(TestRank.class.getName(), yaml));
            start(command, Map.of());
        }
        endsWell();
    }

    @Test
    void torchrunsVariablesAreEnough() throws Exception {
        String yaml = config("60s");
        String port = Integer.toString(freePort());
        for (int rank = 0; rank < 2; rank++) {
            start(rank(yaml), Map.of("RANK", "" + rank, "WORLD_SIZE", "2", "LOCAL_RANK", "0", "LOCAL_WORLD_SIZE", "1", "MASTER_ADDR", "127.0.0.1",
                    "MASTER_PORT", port, "TORCHELASTIC_RUN_ID", "run"));
        }
        endsWell();
    }

    @Test
    void slurmsVariablesAreEnough() throws Exception {
        String yaml = config("60s");
        // The port follows from the job's number.
        String job = Integer.toString(freePort() - 20000);
        for (int rank = 0; rank < 2; rank++) {
            start(rank(yaml), Map.of("SLURM_PROCID", "" + rank, "SLURM_NTASKS", "2", "SLURM_LOCALID", "0", "SLURM_NNODES", "2", "SLURM_STEP_ID", "0",
                    "SLURM_JOB_NODELIST", "localhost,elsewhere", "SLURM_JOB_ID", job));
        }
        endsWell();
    }

    @Test
    void aRendezvousThatNobodyServesIsOneLine() throws Exception {
        int port = freePort();
        Process rank = start(rank(config("2s")), torchrun(1, port));
        assertTrue(rank.waitFor(120, TimeUnit.SECONDS), "hangs");
        assertEquals(3, rank.exitValue(), log());
        assertEquals("longhaul: the rendezvous 127.0.0.1:" + port + " refuses connections for 2 s; is rank 0 running there and the port open?",
                log().strip());
    }

    @Test
    void aRankThatNeverComesIsNamed() throws Exception {
        Process rank = start(rank(config("2s")), torchrun(0, freePort()));
        assertTrue(rank.waitFor(120, TimeUnit.SECONDS), "hangs");
        assertEquals(3, rank.exitValue(), log());
        assertTrue(log().strip().matches("longhaul: world: rank 0 waited 2 s for rank\\(s\\) 1 to join; .*"), log());
        assertFalse(log().strip().contains("\n"), log());
    }

    /** Nothing can be saved while ranks wait for one that is frozen: TERM ends them at once, and the launcher the frozen one soon after. */
    @Test
    void termEndsRanksThatWaitForAFrozenOne() throws Exception {
        List<String> waiting = new ArrayList<>(jvm("-Dtest.tells=true"));
        waiting.addAll(List.of(TestRank.class.getName(), config("10m")));
        String shell = "if [ $RANK = 1 ]; then trap '' TERM; echo frozen; while :; do sleep 1; done; else exec '" + String.join("' '", waiting) + "'; fi";
        List<String> command = new ArrayList<>(jvm());
        command.addAll(List.of(TestLauncher.class.getName(), "2", "3", "sh", "-c", shell));
        Process launcher = new ProcessBuilder(command).redirectErrorStream(true).start();
        processes.add(launcher);
        StringBuilder seen = new StringBuilder();
        try (BufferedReader lines = launcher.inputReader()) {
            while (!(seen.toString().contains("this rank listens") && seen.toString().contains("frozen"))) {
                String line = lines.readLine();
                assertNotNull(line, seen.toString());
                seen.append(line).append('\n');
            }
            // Not destroy(), which closes the streams as well.
            launcher.toHandle().destroy();
            lines.lines().forEach(line -> seen.append(line).append('\n'));
        }
        assertTrue(launcher.waitFor(120, TimeUnit.SECONDS), () -> "hangs\n" + seen);
        assertEquals(75, launcher.exitValue(), seen.toString());
        assertTrue(seen.toString().contains("[rank 0] longhaul: SIGTERM before training began: nothing to save; ending"), seen.toString());
    }

    private static Map<String, String> torchrun(int rank, int port) {
        return Map.of("RANK", "" + rank, "WORLD_SIZE", "2", "LOCAL_RANK", "0", "LOCAL_WORLD_SIZE", "1", "MASTER_ADDR", "127.0.0.1", "MASTER_PORT", "" + port);
    }

    private void endsWell() throws Exception {
        for (Process process : processes) {
            assertTrue(process.waitFor(180, TimeUnit.SECONDS), () -> "hangs\n" + log());
            assertEquals(0, process.exitValue(), this::log);
        }
        Path alone = folder.resolve("alone");
        InProcessJob.run(alone, "{data: 2}", "steps=4", "batch.micro_batch=2");
        TrainerTest.sameState(alone, run);
    }

    private String config(String join) throws IOException {
        Files.createDirectories(run);
        Path yaml = run.resolve("job.yaml");
        TrainConfig config = TrainerTest.config(
                run, "steps=4", "batch.micro_batch=2", "validation.every=0", "mesh.data=2", "ranks.join_timeout=" + join, "ranks.stall_timeout=60s");
        Files.writeString(yaml, ConfigWriter.toYaml(config));
        return yaml.toString();
    }

    private static List<String> rank(String yaml) {
        List<String> command = new ArrayList<>(jvm());
        command.addAll(List.of(TestRank.class.getName(), yaml));
        return command;
    }

    private static List<String> jvm(String... properties) {
        List<String> jvm = new ArrayList<>(List.of(
                ProcessHandle.current().info().command().orElseThrow(), "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"));
        jvm.addAll(List.of(properties));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(a -> a.startsWith("--add-opens") || a.startsWith("--enable") || a.startsWith("--sun")).forEach(jvm::add);
        jvm.addAll(List.of("-cp", System.getProperty("java.class.path")));
        return jvm;
    }

    private Process start(List<String> command, Map<String, String> environment) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(run.resolve("log").toFile()));
        builder.environment().keySet().removeIf(k -> k.startsWith("SLURM_") || k.equals("RANK") || k.equals("WORLD_SIZE") || k.equals("MASTER_ADDR"));
        builder.environment().putAll(environment);
        Process process = builder.start();
        processes.add(process);
        return process;
    }

    private String log() {
        try {
            return Files.readString(run.resolve("log"));
        } catch (IOException e) {
            return e.toString();
        }
    }

    // From the range that Slurm job numbers map to.
    private static int freePort() throws IOException {
        for (int port = 20000 + (int) (ProcessHandle.current().pid() % 5000); ; port++) {
            try (ServerSocket socket = new ServerSocket(port)) {
                return socket.getLocalPort();
            } catch (IOException e) {
                assertTrue(port < 30000, "no free port");
            }
        }
    }
}
