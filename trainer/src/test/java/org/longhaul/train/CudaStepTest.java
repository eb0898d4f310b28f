package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.batch.SampleOrder;
import org.longhaul.checkpoint.SaveSchedule.Wish;
import org.longhaul.config.ConfigLoader;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.metrics.Flops;
import org.longhaul.parallel.MeshGroups;

/**
 * The trainer's own step at the benchmark's 1b shape where the GPU is large enough, else at a very small one: memory against the plan, time by
 * graphs and by calls, and a profile. Prints what it saw; the page also goes to the folder of {@code -Dlonghaul.out}.
 */
@Tag("gpu")
class CudaStepTest {
    private static final long LARGE = 100L << 30;
    private static final int TIMED = 5;

    @TempDir
    private Path folder;

    @Test
    void memoryIsPlannedAndGraphsGiveTheSameLosses() throws IOException {
        boolean large;
        try (CudaBackend backend = (CudaBackend) RankSetup.backend(config(false, "auto").device())) {
            large = backend.device().totalMemory() >= LARGE;
        }
        double[] graphs = steps(config(large, "auto"), large);
        double[] calls = steps(config(large, "off"), large);
        // Not deterministic: products and attention are chosen by time, the second run takes the first one's choice.
        assertEquals(calls[0], graphs[0], 1e-2);
        System.out.printf(Locale.ROOT, "a step by graphs %.2f ms, by calls %.2f ms%n", graphs[1], calls[1]);
    }

    // The last loss, and milliseconds of a step.
    private double[] steps(TrainConfig config, boolean large) throws IOException {
        try (CudaBackend backend = (CudaBackend) RankSetup.backend(config.device())) {
            Profiling profiling = new Profiling(config, backend, MeshGroups.single(), 989e12);
            MemoryCheck check = new MemoryCheck(config, backend, MeshGroups.single());
            SampleOrder order = new SampleOrder(new Sawtooth(4_000_000), config.model().context(), 1, 0);
            try (Engine engine = new Engine(config, profiling.backend(), profiling.groups())) {
                profiling.of(engine);
                engine.initialise(1);
                Optional<MemoryCheck.Seen> seen = Optional.empty();
                long start = 0;
                double milliseconds = 0;
                double loss = 0;
                for (int step = 1; step <= TIMED + 4; step++) {
                    if (step == 4) {
                        backend.synchronize();
                        start = System.nanoTime();
                    } else if (step == 4 + TIMED) {
                        backend.synchronize();
                        milliseconds = (System.nanoTime() - start) / 1e6 / TIMED;
                    }
                    profiling.before(step);
                    engine.gradients(order, (step - 1L) * config.batch().sequences(), false, Wish.NONE);
                    engine.update(1e-4, step, step);
                    profiling.after(step, false);
                    seen = seen.or(check::step);
                    if (engine.scalars().full()) {
                        loss = engine.scalars().take()[0].lossSum() / config.tokensPerStep();
                    }
                }
                System.out.printf(Locale.ROOT, "%s: memory %s, %.1f TFLOP/s with full attention and head%n", config.device().cudaGraph(), seen.get(),
                        Flops.perTokenFull(config.model()) * config.tokensPerStep() / milliseconds / 1e9);
                assertTrue(!large || Math.abs(seen.get().excess()) <= 0.02, seen.get() + "; " + backend.held());
                page(config);
                return new double[] {loss, milliseconds};
            }
        }
    }

    private void page(TrainConfig config) throws IOException {
        try (var files = Files.list(config.output().resolve("profile"))) {
            for (Path file : (Iterable<Path>) files::iterator) {
                if (file.toString().endsWith(".txt")) {
                    System.out.println(Files.readString(file));
                }
            }
        }
    }

    private TrainConfig config(boolean large, String graphs) throws IOException {
        Path output = Optional.ofNullable(System.getProperty("longhaul.out")).map(Path::of).orElse(folder).resolve("step-" + graphs);
        String model = large
                ? "{layers: 24, d_model: 2048, heads: 16, kv_heads: 16, ffn: 5504, vocab: 102400, context: 4096}"
                : "{layers: 2, d_model: 32, heads: 2, kv_heads: 1, ffn: 48, vocab: 96, context: 16}";
        return ConfigLoader.parse("""
                output: %s
                model: %s
                data: {path: none}
                batch: {sequences: 8, micro_batch: 4}
                steps: 20
                schedule: {type: constant, peak: 1e-4}
                device: {kind: cuda, cuda_graph: %s}
                profile: {steps: '%d'}
                """.formatted(output, model, graphs, TIMED + 4), "test", java.util.List.of(), TrainConfig.class);
    }
}
