package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.longhaul.train.TrainerTest.data;
import static org.longhaul.train.TrainerTest.losses;
import static org.longhaul.train.TrainerTest.sameState;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.checkpoint.RankGroup;
import org.longhaul.config.ConfigLoader;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.cuda.CudaSettings;
import org.longhaul.natives.CpuBackend;
import org.longhaul.ops.cuda.CudaOps;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.train.Trainer.Outcome;

/** The whole loop on a GPU: the CPU's curve, resumption, graphs. Runs on the emulated machine as well, so the model is small. */
@Tag("gpu")
class CudaTrainerTest {
    @TempDir
    private Path folder;

    private static TrainConfig config(Path output, String... overrides) {
        String yaml = """
                output: %s
                model: {layers: 2, d_model: 32, heads: 2, kv_heads: 1, ffn: 48, vocab: 96, context: 16, init_std: 0.02}
                data: {path: none}
                batch: {sequences: 4, micro_batch: 2}
                steps: 20
                schedule: {type: multi_step, peak: 1e-2, warmup_steps: 4}
                device: {kind: cuda, deterministic: true}
                validation: {every: 10, tokens: 200}
                logging: {tensorboard: false}
                """.formatted(output);
        return ConfigLoader.parse(yaml, "test", List.of(overrides), TrainConfig.class);
    }

    private static Outcome run(TrainConfig config, Backend backend) {
        try (RankSetup setup = new RankSetup(backend, MeshGroups.single(), RankGroup.single(), null, null, 0)) {
            return TrainJob.run(config, data(), setup, new StopRequest());
        }
    }

    private static Outcome onGpu(TrainConfig config) {
        return run(config, RankSetup.backend(config.device()));
    }

    private List<String> onCpu() throws IOException {
        run(config(folder.resolve("cpu"), "device.kind=cpu"), new CpuBackend(1));
        return losses(folder.resolve("cpu"));
    }

    // Losses of a small model that learns fast: later steps multiply what the first ones differ by.
    private static void near(List<String> want, List<String> got, double first, double all) {
        assertEquals(20, got.size());
        double worst = 0;
        for (int i = 0; i < got.size(); i++) {
            double d = Math.abs(Double.parseDouble(want.get(i)) - Double.parseDouble(got.get(i)));
            assertTrue(d <= (i < 5 ? first : all), "step " + (i + 1) + ": " + want.get(i) + " on the CPU, " + got.get(i) + " on the GPU");
            worst = Math.max(worst, d);
        }
        System.out.println("largest difference of the loss " + worst);
    }

    @Test
    void inSinglePrecisionTheCurveIsTheCpus() throws IOException {
        TrainConfig config = config(folder.resolve("gpu"));
        assertEquals(Outcome.FINISHED, run(config, new CudaBackend(CudaSettings.standard(0).reproducible().computing(DType.F32), CudaOps::new)));
        near(onCpu(), losses(folder.resolve("gpu")), 1e-5, 1e-4);
    }

    @Test
    void inBfloat16TheCurveFollowsTheCpus() throws IOException {
        assertEquals(Outcome.FINISHED, onGpu(config(folder.resolve("gpu"))));
        near(onCpu(), losses(folder.resolve("gpu")), 5e-3, 5e-2);
    }

    /** Graphs were recorded with the first steps' documents; later ones have others. */
    @Test
    void withinDocumentsTheCurveFollowsTheCpus() throws IOException {
        String mask = "data.document_mask=true";
        run(config(folder.resolve("cpu"), "device.kind=cpu", mask), new CpuBackend(1));
        run(config(folder.resolve("single"), mask), new CudaBackend(CudaSettings.standard(0).reproducible().computing(DType.F32), CudaOps::new));
        near(losses(folder.resolve("cpu")), losses(folder.resolve("single")), 1e-5, 1e-4);
        for (String graphs : List.of("on", "off")) {
            assertEquals(Outcome.FINISHED, onGpu(config(folder.resolve(graphs), mask, "device.cuda_graph=" + graphs, "memory.recompute=full")));
            near(losses(folder.resolve("cpu")), losses(folder.resolve(graphs)), 5e-3, 5e-2);
        }
        assertEquals(losses(folder.resolve("off")), losses(folder.resolve("on")));
        sameState(folder.resolve("off"), folder.resolve("on"));
    }

    @Test
    void inFp8TheModelLearns() throws IOException {
        assertEquals(Outcome.FINISHED, onGpu(config(folder.resolve("gpu"), "device.precision=fp8")));
        near(onCpu(), losses(folder.resolve("gpu")), 2e-2, 2e-1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "selective", "full"})
    void tenAndTenResumedAreTwenty(String recompute) throws IOException {
        Path straight = folder.resolve("straight");
        Path halves = folder.resolve("halves");
        assertEquals(Outcome.FINISHED, onGpu(config(straight, "memory.recompute=" + recompute)));
        assertEquals(Outcome.PAUSED, onGpu(config(halves, "stop_after=10", "memory.recompute=" + recompute)));
        assertEquals(Outcome.FINISHED, onGpu(config(halves, "memory.recompute=" + recompute)));
        assertEquals(losses(straight), losses(halves));
        sameState(straight, halves);
    }

    @Test
    void byGraphsOrCallsTheBitsAreTheSame() throws IOException {
        onGpu(config(folder.resolve("graphs"), "device.cuda_graph=on"));
        onGpu(config(folder.resolve("calls"), "device.cuda_graph=off"));
        assertEquals(losses(folder.resolve("calls")), losses(folder.resolve("graphs")));
        sameState(folder.resolve("calls"), folder.resolve("graphs"));
    }

    /** Nothing timed, nothing free to vary: what deterministic mode promises. */
    @Test
    void twoRunsAreEqual() throws IOException {
        onGpu(config(folder.resolve("a"), "optimizer.moments=bf16"));
        onGpu(config(folder.resolve("b"), "optimizer.moments=bf16"));
        assertEquals(losses(folder.resolve("a")), losses(folder.resolve("b")));
        sameState(folder.resolve("a"), folder.resolve("b"));
    }
}
