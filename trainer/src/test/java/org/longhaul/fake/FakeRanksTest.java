package org.longhaul.fake;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.cli.Main;
import org.longhaul.fake.FakeCuda.Outcome;
import org.longhaul.fake.FakeCuda.Running;

/**
 * Several GPUs, each with a process of its own, on emulated machines that talk through a stand-in of NCCL: launcher, rendezvous, joining,
 * streams, events and the binding are those of a real job; queues do their work as late as waits allow.
 */
class FakeRanksTest {
    private static FakeCuda machine;

    @TempDir
    private Path folder;

    @BeforeAll
    static void compiler() throws IOException, InterruptedException {
        Assumptions.assumeTrue(FakeCuda.available(), "needs g++ to build the stand-in of a CUDA machine");
        machine = FakeCuda.machine();
    }

    private Path job(String... lines) throws IOException {
        Path config = folder.resolve("train.yaml");
        Files.writeString(config, """
                output: %s
                model: {layers: 4, d_model: 32, heads: 2, kv_heads: 2, ffn: 64, vocab: 96, context: 16, init_std: 0.1}
                data: {path: unused}
                steps: 10
                schedule: {type: constant, peak: 1e-2, warmup_steps: 0}
                optimizer: {epsilon: 1e-4}
                """.formatted(folder.resolve("run")) + String.join("\n", lines) + "\n");
        return config;
    }

    private static String[] launch(int ranks, String... words) {
        List<String> arguments = new ArrayList<>(List.of("launch", "--nproc", Integer.toString(ranks), "--grace", "2"));
        arguments.addAll(List.of(words));
        return arguments.toArray(String[]::new);
    }

    @ParameterizedTest
    @ValueSource(strings = {"dp2", "tp2", "pp2.v2"})
    void layoutsTrainAsOneGpuDoes(String layout) throws IOException, InterruptedException {
        Path config = job(
                "batch: {sequences: 8, micro_batch: 2}", "device: {kind: cuda, precision: f32}",
                "ranks: {tensor_chunks: 3, straggler: {every: 2}, stall_timeout: 90s, join_timeout: 90s}");
        Outcome outcome = machine.java(
                Map.of("LH_FAKE_DEVICES", "2"), Main.class, launch(2, "verify-layout", config.toString(), "--layouts", layout, "--random"));
        assertEquals(0, outcome.status(), outcome.text());
        assertTrue(outcome.text().contains("every layout trains as one rank does"), outcome.text());
        assertEquals("", outcome.faults());
    }

    /** The collectives of tensor-parallel layers within CUDA graphs: the same bits as without, also on groups that NCCL did not split. */
    @ParameterizedTest
    @CsvSource({"1, 1, 3, false", "1, 1, 1, true", "2, 1, 3, true", "2, 1, 1, false", "1, 2, 3, true"})
    void collectivesWithinGraphsGiveTheSameBits(int pipeline, int data, int chunks, boolean split) throws IOException, InterruptedException {
        Assumptions.assumeTrue(!split && pipeline == 1 || "all".equals(System.getProperty("longhaul.fake")), "takes minutes: -Dlonghaul.fake=all");
        Path config = job(
                "batch: {sequences: " + 4 * data + ", micro_batch: 2}", "device: {kind: cuda}", "mesh: {pipeline: " + pipeline + ", data: " + data + ", tensor: 2}",
                "ranks: {tensor_chunks: " + chunks + ", stall_timeout: 90s, join_timeout: 90s}");
        Path json = folder.resolve("out.jsonl");
        int ranks = 2 * pipeline * data;
        for (String graphs : List.of("auto", "off")) {
            Outcome outcome = machine.java(
                    Map.of("LH_FAKE_DEVICES", Integer.toString(ranks), "LH_FAKE_NCCL", split ? "22703" : "21705"), Main.class,
                    launch(ranks, "bench", "ranks", config.toString(), "device.cuda_graph=" + graphs, "model.layers=2", "--steps", "1", "--warmup", "2", "--json",
                            json.toString()));
            assertEquals(0, outcome.status(), outcome.text());
            assertEquals("", outcome.faults());
            assertEquals(graphs.equals("auto"), outcome.text().contains("forward and backward run as"), outcome.text());
            assertFalse(outcome.text().contains("warning"), outcome.text());
        }
        List<String> losses = Files.readAllLines(json).stream().map(l -> l.substring(l.indexOf("\"loss\""))).toList();
        assertEquals(2, losses.size());
        assertEquals(losses.get(0), losses.get(1));
    }

    /** NCCL wants an operation recorded on all ranks or on none. */
    @Test
    void aRankThatCannotRecordKeepsTheOthersFromIt() throws IOException, InterruptedException {
        Assumptions.assumeTrue("all".equals(System.getProperty("longhaul.fake")), "takes a minute: -Dlonghaul.fake=all");
        Path config = job("batch: {sequences: 4, micro_batch: 2}", "device: {kind: cuda}", "mesh: {data: 1, tensor: 2}", "ranks: {stall_timeout: 90s, join_timeout: 90s}");
        Outcome outcome = machine.java(
                Map.of("LH_FAKE_DEVICES", "2", "LH_FAKE_NO_GRAPHS", "1"), Main.class,
                launch(2, "bench", "ranks", config.toString(), "model.layers=2", "--steps", "2", "--warmup", "1"));
        assertEquals(0, outcome.status(), outcome.text());
        assertEquals("", outcome.faults());
        assertTrue(outcome.text().contains("launched one by one: another rank of the tensor-parallel group cannot record"), outcome.text());
        assertTrue(outcome.text().contains("launched one by one: CUDA driver"), outcome.text());
    }

    /** A rank that stops between replays of its graphs is named, and the others end although their devices wait for it for ever. */
    @Test
    void aStoppedRankIsNamed() throws IOException, InterruptedException {
        Path config = job(
                "batch: {sequences: 4, micro_batch: 2}", "device: {kind: cuda}", "mesh: {data: 1, tensor: 2}", "ranks: {stall_timeout: 6s, join_timeout: 90s}");
        try (Running running = machine.start(
                Map.of("LH_FAKE_DEVICES", "2"), Main.class,
                launch(2, "bench", "ranks", config.toString(), "model.layers=2", "--steps", "100000", "--warmup", "1"))) {
            running.awaitText("forward and backward run as");
            ProcessHandle stopped = running.children().get(1);
            new ProcessBuilder("kill", "-STOP", Long.toString(stopped.pid())).start().waitFor();
            Outcome outcome = running.outcome();
            assertEquals(3, outcome.status(), outcome.text());
            assertTrue(outcome.text().contains("did not end within 6 s; rank(s) 1 say nothing"), outcome.text());
            // Once by the rank, once by the launcher.
            List<String> said = outcome.text().lines().filter(line -> line.contains("rank(s) 1 say nothing")).toList();
            assertEquals(2, said.size(), outcome.text());
            assertTrue(said.get(0).contains("[rank 0] longhaul: ") && said.get(1).contains(" ended with status 3: "), outcome.text());
            assertTrue(said.get(1).contains("; rank 1 on ") && said.get(1).endsWith("did not end within 2 s (stopped, as by SIGSTOP) and was killed"), outcome.text());
        }
    }

    @Test
    void moreRanksThanGpusAreToldSo() throws IOException, InterruptedException {
        Path config = job("batch: {sequences: 4, micro_batch: 2}", "device: {kind: cuda}", "mesh: {data: 2}", "ranks: {join_timeout: 90s}");
        Outcome outcome = machine.java(
                Map.of("LH_FAKE_DEVICES", "1"), Main.class, launch(2, "--max-restarts", "3", "bench", "ranks", config.toString(), "--steps", "1", "--warmup", "1"));
        assertEquals(2, outcome.status(), outcome.text());
        assertFalse(outcome.text().contains("starting all ranks again"), outcome.text());
        assertTrue(outcome.text().contains("longhaul: --nproc 2 on a node whose processes see one GPU"), outcome.text());
        assertTrue(outcome.text().contains("longhaul launch --share-gpus"), outcome.text());
    }

    /** One process a rank goes through layout after layout, on two GPUs and on one; NCCL takes the ranks for hosts of their own. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void ranksShareGpusWhereTheyMay(int gpus) throws IOException, InterruptedException {
        Path config = job(
                "batch: {sequences: 8, micro_batch: 2}", "device: {kind: cuda}", "ranks: {tensor_chunks: 2, stall_timeout: 90s, join_timeout: 90s}");
        int ranks = 2 * gpus;
        String layouts = gpus == 1 ? "tp2,dp2,pp2.v2,tp2" : "pp2.tp2,pp2.dp2";
        Assumptions.assumeTrue(gpus == 1 || "all".equals(System.getProperty("longhaul.fake")), "takes minutes: -Dlonghaul.fake=all");
        Outcome outcome = machine.java(Map.of("LH_FAKE_DEVICES", Integer.toString(gpus)), Main.class,
                launch(ranks, "--share-gpus", "verify-layout", config.toString(), "--layouts", layouts, "--random"));
        assertEquals(0, outcome.status(), outcome.text());
        assertTrue(outcome.text().contains("every layout trains as one rank does"), outcome.text());
        assertTrue(outcome.text().contains("ranks share GPUs (--share-gpus)"), outcome.text());
        for (String layout : layouts.split(",")) {
            assertTrue(outcome.text().contains("] " + layout + " "), outcome.text());
        }
        assertEquals("", outcome.faults());
    }

    @Test
    void whatRanksShareMustHoldThemAll() throws IOException, InterruptedException {
        Path config = job("batch: {sequences: 4, micro_batch: 2}", "device: {kind: cuda}", "mesh: {data: 2}", "ranks: {join_timeout: 90s}");
        Outcome outcome = machine.java(Map.of("LH_FAKE_MEMORY", Long.toString(1L << 30)), Main.class,
                launch(2, "--share-gpus", "bench", "ranks", config.toString(), "--steps", "1", "--warmup", "1"));
        assertEquals(2, outcome.status(), outcome.text());
        assertTrue(outcome.text().contains("longhaul: ranks 0, 1 share Emulated H200 0 of 1.0 GiB and need "), outcome.text());
    }

    /** What no setting of the job can mend must not be answered with one. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "LH_FAKE_CONTEXT | 46 | GPU 0 (Emulated H200) is held by another process alone",
        "LH_FAKE_CONTEXT | 2 | GPU 0 (Emulated H200) has no memory left for this process to begin with: other processes hold it",
        "LH_FAKE_CONTEXT | 805 | the GPU is behind an MPS server that does not serve this process: CUDA_ERROR_MPS_CONNECTION_FAILED",
        "LH_FAKE_INIT | 807 | the NVIDIA driver is behind an MPS server that does not serve this process: CUDA_ERROR_MPS_SERVER_NOT_READY",
        "LH_FAKE_INIT | 802 | the NVIDIA driver does not start: CUDA_ERROR_SYSTEM_NOT_READY, CUDA_ERROR_SYSTEM_NOT_READY; the machine's GPUs are joined by NVSwitches",
        "LH_FAKE_PINNED | 4096 | this machine gives no further "
    })
    void whatTheMachineRefusesIsToldWithAMendThatFits(String variable, String value, String begins) throws IOException, InterruptedException {
        Path config = job("batch: {sequences: 4, micro_batch: 2}", "device: {kind: cuda}");
        Outcome outcome = machine.java(Map.of(variable, value), Main.class, "bench", "ranks", config.toString(), "--steps", "1", "--warmup", "1");
        assertEquals(3, outcome.status(), outcome.text());
        assertTrue(outcome.text().contains("longhaul: " + begins), outcome.text());
        assertFalse(outcome.text().contains("micro_batch"), outcome.text());
    }
}
