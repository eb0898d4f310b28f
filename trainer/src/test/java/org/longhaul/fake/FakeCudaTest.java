package org.longhaul.fake;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.cli.Main;
import org.longhaul.fake.FakeCuda.Outcome;
import org.longhaul.shards.ManifestFile;
import org.longhaul.shards.ShardManifest;
import org.longhaul.shards.ShardWriter;

/**
 * The host code of the GPU on the emulated machine: the tests tagged gpu that are small enough, and what a user sees when something is
 * missing. {@code -Dlonghaul.fake=all} runs every such test, in three orders of the queues.
 */
class FakeCudaTest {
    private static FakeCuda machine;

    @TempDir
    private Path folder;

    @BeforeAll
    static void compiler() throws IOException, InterruptedException {
        Assumptions.assumeTrue(FakeCuda.available(), "needs g++ to build the stand-in of a CUDA machine");
        machine = FakeCuda.machine();
    }

    private static void passes(Map<String, String> settings, String... tests) throws IOException, InterruptedException {
        Outcome outcome = machine.java(settings, GpuTests.class, tests);
        assertEquals(0, outcome.status(), outcome.text());
        assertEquals("", outcome.faults());
    }

    @Test
    void backendStreamsGraphsAndProducts() throws IOException, InterruptedException {
        passes(Map.of(), "org.longhaul.cuda.CudaBackendTest", "org.longhaul.cuda.GemmTest");
    }

    /** An algorithm that gives wrong values never wins a race, however fast it is. */
    @Test
    void productsAmongWrongAlgorithms() throws IOException, InterruptedException {
        passes(Map.of("LH_FAKE_GEMM", "wrong"), "org.longhaul.cuda.GemmTest");
    }

    @Test
    void productsWhoseFirstProposalIsRefused() throws IOException, InterruptedException {
        passes(Map.of("LH_FAKE_GEMM", "refuse"), "org.longhaul.cuda.GemmTest");
    }

    @Test
    void attentionWithinDocuments() throws IOException, InterruptedException {
        passes(Map.of(), "org.longhaul.ops.cuda.CudnnDocumentsTest");
    }

    @Test
    void training() throws IOException, InterruptedException {
        passes(Map.of(), "org.longhaul.train.CudaTrainerTest", "org.longhaul.train.CudaProfileTest");
    }

    @Test
    void everythingInEveryOrder() throws IOException, InterruptedException {
        Assumptions.assumeTrue("all".equals(System.getProperty("longhaul.fake")), "takes ten minutes: -Dlonghaul.fake=all");
        for (String order : List.of("late", "eager", "random:" + System.nanoTime() % 1000)) {
            passes(Map.of("LH_FAKE_ORDER", order), "org.longhaul.train.CudaTrainerTest", "org.longhaul.cuda.CudaBackendTest",
                    "org.longhaul.model.GpuGradientTest");
        }
    }

    /** The machine finds what it is for: work that nobody waited for, use after the end, branches that were left, things forgotten. */
    @Test
    void theMachineFindsMistakes() throws IOException, InterruptedException {
        Outcome outcome = machine.java(Map.of(), PlantedMistakes.class);
        assertEquals(0, outcome.status(), outcome.text());
        assertTrue(outcome.faults().contains("are not within one allocation") && outcome.faults().contains("leak: 1 allocations"), outcome.faults());
    }

    private void refuses(Outcome outcome, String... words) {
        assertEquals(3, outcome.status(), outcome.text());
        List<String> errors = outcome.text().lines().filter(l -> l.matches("(\\S+Z )?longhaul: .*")).toList();
        assertEquals(1, errors.size(), outcome.text());
        for (String word : words) {
            assertTrue(errors.get(0).contains(word), word + " is not in: " + errors.get(0));
        }
        assertFalse(outcome.text().contains("\tat "), outcome.text());
    }

    private Outcome train(FakeCuda on, Map<String, String> settings, String... overrides) throws IOException, InterruptedException {
        shards(folder.resolve("shards"));
        Path config = folder.resolve("train.yaml");
        Files.writeString(config, """
                output: %s
                model: {layers: 2, d_model: 32, heads: 2, kv_heads: 1, ffn: 48, vocab: 96, context: 16, init_std: 0.02}
                data: {path: %s}
                batch: {sequences: 4, micro_batch: 2}
                steps: 2
                schedule: {type: multi_step, peak: 1e-2, warmup_steps: 1}
                device: {kind: cuda}
                validation: {every: 0}
                logging: {tensorboard: false}
                """.formatted(folder.resolve("run"), folder.resolve("shards")));
        String[] arguments = new String[overrides.length + 2];
        arguments[0] = "train";
        arguments[1] = config.toString();
        System.arraycopy(overrides, 0, arguments, 2, overrides.length);
        return on.java(settings, Main.class, arguments);
    }

    private static void shards(Path to) throws IOException {
        Files.createDirectories(to);
        Map<String, List<ShardManifest.Shard>> shards = new java.util.LinkedHashMap<>();
        Map<String, Double> entropy = new java.util.TreeMap<>();
        for (String split : List.of("train", "validation")) {
            ShardWriter writer = new ShardWriter(name -> Files.newOutputStream(to.resolve(name)), split + "-00000", 96);
            for (int length : new int[] {1, 9, 2, 30, 58, 400}) {
                int[] ids = new int[length];
                for (int i = 0; i < ids.length; i++) {
                    ids[i] = i * i % 96;
                }
                ids[ids.length - 1] = 0;
                writer.add(1, length, "web", "en", 150, ids, ids.length);
            }
            ShardWriter.Result result = writer.finish();
            shards.put(split, List.of(result.shard()));
            entropy.put(split, ShardManifest.entropy(result.tokenCounts()));
        }
        ShardManifest manifest = ShardManifest.of(96, java.util.OptionalInt.empty(), 0, ShardManifest.Tokenizer.nowhere("f00d"), shards, entropy,
                new ShardManifest.Lineage("c0ffee", List.of(new ShardManifest.Input("web", "web.jsonl", 12)), new java.util.TreeMap<>()));
        Files.write(to.resolve(ShardManifest.FILE), ManifestFile.toBytes(manifest));
    }

    @Test
    void aJobTrainsByItsCommand() throws IOException, InterruptedException {
        Outcome outcome = train(machine, Map.of());
        assertEquals(0, outcome.status(), outcome.text());
        assertEquals("", outcome.faults());
    }

    @Test
    void aJobKeepsDocumentsApart() throws IOException, InterruptedException {
        Outcome outcome = train(machine, Map.of(), "data.document_mask=true");
        assertEquals(0, outcome.status(), outcome.text());
        assertEquals("", outcome.faults());
        assertFalse(outcome.text().contains("is left out"), outcome.text());
    }

    @Test
    void withoutAGpu() throws IOException, InterruptedException {
        refuses(train(machine, Map.of("LH_FAKE_DEVICES", "0")), "no GPU on this machine", "CUDA_VISIBLE_DEVICES");
    }

    @Test
    void withADriverThatDoesNotStart() throws IOException, InterruptedException {
        refuses(train(machine, Map.of("LH_FAKE_INIT", "803")), "driver does not start", "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "nvidia-smi");
    }

    @Test
    void withADriverThatIsTooOld() throws IOException, InterruptedException {
        refuses(train(machine, Map.of("LH_FAKE_DRIVER", "12040")), "12.4", "13.0", "driver");
    }

    @Test
    void withoutTheRunTimeCompiler() throws IOException, InterruptedException {
        FakeCuda broken = machine.copy(folder.resolve("machine"));
        Files.delete(broken.wheels().resolve("libnvrtc.so.13"));
        refuses(train(broken, Map.of("LONGHAUL_CACHE", folder.resolve("cache").toString())), "libnvrtc", "PYTORCH_LIBRARY_PATH");
    }

    @Test
    void withAKernelThatDoesNotCompile() throws IOException, InterruptedException {
        Map<String, String> settings = Map.of("LH_FAKE_NVRTC", "elementwise.cu", "LONGHAUL_CACHE", folder.resolve("cache").toString());
        refuses(train(machine, settings), "elementwise.cu", "sm_90a", "identifier \"broken\" is undefined");
    }

    /** A file of the cache that a crash of the node left half written is made again. */
    @Test
    void withADamagedCache() throws IOException, InterruptedException {
        Map<String, String> settings = Map.of("LONGHAUL_CACHE", folder.resolve("cache").toString());
        assertEquals(0, train(machine, settings).status());
        try (var files = Files.list(folder.resolve("cache/kernels"))) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Files.write(file, new byte[100]);
            }
        }
        Outcome outcome = train(machine, settings, "steps=3", "output=" + folder.resolve("run2"));
        assertEquals(0, outcome.status(), outcome.text());
        assertTrue(outcome.text().contains("damaged"), outcome.text());
    }

    @Test
    void withoutEightBitProducts() throws IOException, InterruptedException {
        Map<String, String> settings = Map.of("LH_FAKE_FP8", "none", "LONGHAUL_CACHE", folder.resolve("cache").toString());
        refuses(train(machine, settings, "device.precision=fp8"), "does no 8-bit product m", "CUBLAS_STATUS_INVALID_VALUE",
                "8-bit products are switched off", "device.precision: bf16");
        refuses(train(machine, settings, "device.precision=fp8", "device.deterministic=true"), "does no 8-bit product m",
                "device.precision: bf16");
    }

    @Test
    void withTooLittleMemory() throws IOException, InterruptedException {
        // Room for what the library needs, none for activations of a large micro-batch.
        Outcome outcome = train(machine, Map.of("LH_FAKE_MEMORY", Long.toString(60L << 20)), "batch.micro_batch=256", "batch.sequences=256",
                "model.ffn=2048");
        refuses(outcome, "no room for activations", "GiB free", "micro_batch", "recompute", "held so far: gradients", "longhaul plan");
        assertTrue(outcome.text().contains("scratch of a layer or the loss head") && outcome.text().contains("in all"), outcome.text());
    }
}
