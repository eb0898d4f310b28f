package org.longhaul.fake;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.cli.Main;
import org.longhaul.fake.FakeCuda.Outcome;

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

    @ParameterizedTest
    @ValueSource(strings = {"dp2", "tp2", "pp2.v2"})
    void layoutsTrainAsOneGpuDoes(String layout) throws IOException, InterruptedException {
        Path config = folder.resolve("train.yaml");
        Files.writeString(config, """
                output: %s
                model: {layers: 4, d_model: 32, heads: 2, kv_heads: 2, ffn: 64, vocab: 96, context: 16, init_std: 0.1}
                data: {path: unused}
                batch: {sequences: 8, micro_batch: 1}
                steps: 10
                schedule: {type: constant, peak: 1e-2, warmup_steps: 0}
                optimizer: {epsilon: 1e-4}
                device: {kind: cuda, precision: f32}
                ranks: {tensor_chunks: 3, straggler: {every: 2}, stall_timeout: 90s, join_timeout: 90s}
                """.formatted(folder.resolve("run")));
        List<String> arguments = new ArrayList<>(List.of("launch", "--nproc", "2", "verify-layout", config.toString(), "--layouts", layout, "--random"));
        Outcome outcome = machine.java(Map.of("LH_FAKE_DEVICES", "2"), Main.class, arguments.toArray(String[]::new));
        assertEquals(0, outcome.status(), outcome.text());
        assertTrue(outcome.text().contains("every layout trains as one rank does"), outcome.text());
        assertEquals("", outcome.faults());
    }
}
