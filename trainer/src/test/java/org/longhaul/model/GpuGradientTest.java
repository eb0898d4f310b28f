package org.longhaul.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.cuda.CudaSettings;
import org.longhaul.natives.CpuBackend;
import org.longhaul.natives.CudaGraph;
import org.longhaul.ops.cuda.CudaOps;
import org.longhaul.ops.cuda.DocumentStarts;
import org.longhaul.parallel.Communicator;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;

/** The whole model on a GPU against the CPU, whose gradients {@link GradientTest} holds against autograd. */
@Tag("gpu")
class GpuGradientTest {
    private static final int BATCH = 2;
    private static final int SEQUENCE = 128;
    private static final ModelConfig MULTI_HEAD = new ModelConfig(3, 256, 4, 4, 512, 1000, SEQUENCE, 10000, 1e-6, 0.05);
    private static final ModelConfig GROUPED = new ModelConfig(2, 512, 8, 2, 768, 1003, SEQUENCE, 10000, 1e-6, 0.05);

    /** Loss and gradients by parameter. */
    private record Result(double loss, Map<String, float[]> gradients) {}

    private interface Watch {
        void at(Backend backend, ModelStage stage, ParameterStore store);
    }

    private static Result run(Supplier<Backend> device, ModelConfig config, Recompute recompute, Watch watch) {
        return run(device, config, recompute, false, watch);
    }

    private static Result run(Supplier<Backend> device, ModelConfig config, Recompute recompute, boolean documents, Watch watch) {
        SplittableRandom random = new SplittableRandom(5);
        int tokens = BATCH * SEQUENCE;
        try (Backend backend = device.get();
                ParameterStore store = new ParameterStore(backend, ParameterLayout.single(config), Communicator.single("data"), true)) {
            store.initialise(9);
            ModelStage.Options options = new ModelStage.Options(recompute, 1, 100, 1e-4, true).masking(documents);
            try (ModelStage stage = new ModelStage(backend, store, BATCH, SEQUENCE, options, Communicator.single("tensor"))) {
                Host.put(backend, stage.gradientScale(), (float) (0.5 / tokens));
                for (int i = 0; i < 2; i++) {
                    Host.put(backend, stage.tokens(0), random.ints(tokens, 0, config.vocab()).toArray());
                    Host.put(backend, stage.targets(0), random.ints(tokens, 0, config.vocab()).toArray());
                    if (documents) {
                        int[] starts = DocumentStarts.random(new Random(i), BATCH, SEQUENCE, 60);
                        Host.put(backend, stage.documents(0), DocumentStarts.index(stage.documentIndex().shape(), starts));
                    }
                    stage.forward(0);
                    stage.backward(0, i == 0, bucket -> {});
                }
                Map<String, float[]> gradients = new LinkedHashMap<>();
                for (ParameterSpec spec : store.layout().parameters()) {
                    gradients.put(spec.name(), Host.floats(backend, store.gradient(spec.name())));
                }
                Result result = new Result(Host.floats(backend, stage.lossSum())[0] * 0.5 / tokens, gradients);
                watch.at(backend, stage, store);
                return result;
            }
        }
    }

    private static Supplier<Backend> gpu(DType type) {
        return () -> new CudaBackend(CudaSettings.standard(0).computing(type), CudaOps::new);
    }

    private static void near(Result got, Result expected, double limit, double lossLimit) {
        assertEquals(expected.loss, got.loss, lossLimit * expected.loss, "loss");
        expected.gradients.forEach((name, e) -> {
            float[] g = got.gradients.get(name);
            double difference = 0;
            double norm = 0;
            for (int i = 0; i < e.length; i++) {
                difference += ((double) g[i] - e[i]) * ((double) g[i] - e[i]);
                norm += (double) e[i] * e[i];
            }
            double relative = Math.sqrt(difference / norm);
            System.out.printf("%-28s %.2e%n", name, relative);
            assertTrue(relative < limit, name + " differs by " + relative);
        });
    }

    @Test
    void singlePrecisionEqualsTheCpu() {
        for (ModelConfig config : new ModelConfig[] {MULTI_HEAD, GROUPED}) {
            near(run(gpu(DType.F32), config, Recompute.NONE, (b, s, p) -> {}),
                    run(() -> new CpuBackend(1), config, Recompute.NONE, (b, s, p) -> {}), 1e-5, 1e-6);
        }
    }

    @Test
    void bfloat16StaysWithinItsRounding() {
        for (ModelConfig config : new ModelConfig[] {MULTI_HEAD, GROUPED}) {
            // A bf16 value is off by up to 2⁻⁹; some 20 roundings in a row of these depths add up to a few per cent.
            near(run(gpu(DType.BF16), config, Recompute.NONE, (b, s, p) -> {}),
                    run(() -> new CpuBackend(1), config, Recompute.NONE, (b, s, p) -> {}), 4e-2, 2e-3);
        }
    }

    @Test
    void withinDocumentsToo() {
        Watch nothing = (b, s, p) -> {};
        for (ModelConfig config : new ModelConfig[] {MULTI_HEAD, GROUPED}) {
            Result cpu = run(() -> new CpuBackend(1), config, Recompute.NONE, true, nothing);
            near(run(gpu(DType.F32), config, Recompute.SELECTIVE, true, nothing), cpu, 1e-5, 1e-6);
            near(run(gpu(DType.BF16), config, Recompute.FULL, true, nothing), cpu, 4e-2, 2e-3);
        }
    }

    @Test
    void recomputeChangesNothing() {
        Result none = run(gpu(DType.BF16), GROUPED, Recompute.NONE, (b, s, p) -> {});
        for (Recompute recompute : new Recompute[] {Recompute.SELECTIVE, Recompute.FULL}) {
            Result other = run(gpu(DType.BF16), GROUPED, recompute, (b, s, p) -> {});
            none.gradients.forEach((name, e) -> near(
                    new Result(other.loss, Map.of(name, other.gradients.get(name))), new Result(none.loss, Map.of(name, e)), 1e-3, 1e-6));
        }
    }

    @Test
    void aGraphGivesTheSameBits() {
        run(gpu(DType.BF16), MULTI_HEAD, Recompute.NONE, (backend, stage, store) -> {
            Runnable work = () -> {
                stage.forward(0);
                stage.backward(0, true, bucket -> {});
            };
            work.run();
            float[] eager = Host.floats(backend, store.gradients());
            try (CudaGraph graph = ((CudaBackend) backend).capture("step", work)) {
                backend.zero(store.gradients());
                graph.launch(((CudaBackend) backend).computeStream());
                assertArrayEquals(eager, Host.floats(backend, store.gradients()));
            }
        });
    }
}
