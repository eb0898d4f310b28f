package org.longhaul.ops.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.model.ModelConfig;
import org.longhaul.model.ModelStage;
import org.longhaul.model.ParameterLayout;
import org.longhaul.model.ParameterSpec;
import org.longhaul.model.ParameterStore;
import org.longhaul.model.Recompute;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.Communicator;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.RecordingBackend;

/** A whole model, forward and backward, on the fused kernels (emulated) against the same model on the portable operations. */
class EmulatedModelTest {
    private static final int BATCH = 2;
    private static final int MICRO_BATCHES = 2;
    private static final ModelConfig MODEL = new ModelConfig(2, 64, 4, 2, 96, 160, 16, 10000, 1e-6, 0.15);

    @TempDir
    static Path folder;

    @BeforeAll
    static void compiler() {
        Assumptions.assumeTrue(KernelEmulator.available(), "needs g++ to emulate the CUDA kernels");
    }

    private record Result(double loss, Map<String, float[]> gradients) {}

    private static Result run(Backend backend, Recompute recompute, boolean fp8) {
        SplittableRandom random = new SplittableRandom(5);
        int tokens = BATCH * MODEL.context();
        double scale = 1.0 / (MICRO_BATCHES * tokens);
        try (backend; ParameterStore store = new ParameterStore(backend, ParameterLayout.single(MODEL), Communicator.single("data"), true)) {
            store.initialise(11);
            ModelStage.Options options = new ModelStage.Options(recompute, 1, 16, 1e-4, true, fp8);
            try (ModelStage stage = new ModelStage(backend, store, BATCH, MODEL.context(), options, Communicator.single("tensor"))) {
                Host.put(backend, stage.gradientScale(), (float) scale);
                for (int i = 0; i < MICRO_BATCHES; i++) {
                    Host.put(backend, stage.tokens(0), random.ints(tokens, 0, MODEL.vocab()).toArray());
                    int[] targets = random.ints(tokens, 0, MODEL.vocab()).toArray();
                    targets[3] = -100;
                    Host.put(backend, stage.targets(0), targets);
                    stage.forward(0);
                    stage.backward(0, i == 0, bucket -> {});
                }
                Map<String, float[]> gradients = new LinkedHashMap<>();
                for (ParameterSpec spec : store.layout().parameters()) {
                    gradients.put(spec.name(), Host.floats(backend, store.gradient(spec.name())));
                }
                return new Result(Host.floats(backend, stage.lossSum())[0] * scale, gradients);
            }
        }
    }

    private static Backend emulated(DType compute) {
        return new EmulatedBackend(new KernelEmulator(compute, 2, 64 * 1024, folder));
    }

    private static void compare(Result want, Result got, double lossBound, double gradientBound) {
        assertEquals(want.loss, got.loss, lossBound * want.loss, "loss");
        want.gradients.forEach((name, expected) -> {
            float[] values = got.gradients.get(name);
            double error = 0;
            double norm = 0;
            for (int i = 0; i < values.length; i++) {
                error += Math.pow(values[i] - expected[i], 2);
                norm += Math.pow(expected[i], 2);
            }
            assertTrue(norm > 0 && Math.sqrt(error / norm) <= gradientBound,
                    name + " differs by " + Math.sqrt(error / norm) + " (bound " + gradientBound + ")");
        });
    }

    @Test
    void inFloatEveryRecomputeLevel() {
        Result portable = run(new CpuBackend(1), Recompute.NONE, false);
        for (Recompute recompute : Recompute.values()) {
            compare(portable, run(emulated(DType.F32), recompute, false), 1e-6, 1e-5);
        }
    }

    @Test
    void inBfloat16() {
        Result portable = run(new CpuBackend(1), Recompute.NONE, false);
        compare(portable, run(emulated(DType.BF16), Recompute.NONE, false), 2e-3, 0.03);
    }

    /** The kernels' launches repeat from a recording: nothing in them depends on what the host did in between. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void recorded(boolean fp8) {
        RecordingBackend backend = new RecordingBackend(emulated(DType.BF16));
        SplittableRandom random = new SplittableRandom(9);
        int tokens = BATCH * MODEL.context();
        try (backend; ParameterStore store = new ParameterStore(backend, ParameterLayout.single(MODEL), Communicator.single("data"), true)) {
            store.initialise(11);
            ModelStage.Options options = new ModelStage.Options(Recompute.NONE, 1, 16, 1e-4, true, fp8);
            try (ModelStage stage = new ModelStage(backend, store, BATCH, MODEL.context(), options, Communicator.single("tensor"))) {
                Host.put(backend, stage.gradientScale(), 1f / tokens);
                Host.put(backend, stage.tokens(0), random.ints(tokens, 0, MODEL.vocab()).toArray());
                Host.put(backend, stage.targets(0), random.ints(tokens, 0, MODEL.vocab()).toArray());
                Runnable microBatch = () -> {
                    stage.forward(0);
                    stage.backward(0, true, bucket -> {});
                };
                microBatch.run();
                float[] eager = Host.floats(backend, store.gradients());
                try (Backend.Graph graph = backend.capture("micro-batch", microBatch)) {
                    backend.zero(store.gradients());
                    graph.launch(backend.computeStream());
                    assertArrayEquals(eager, Host.floats(backend, store.gradients()));
                    assertTrue(graph.nodes() > 20, "nodes " + graph.nodes());
                }
            }
        }
    }

    /** Sums are short in a model this small, so the rounding of 8-bit operands averages out little. */
    @Test
    void inFp8() {
        Result portable = run(new CpuBackend(1), Recompute.NONE, false);
        for (Recompute recompute : Recompute.values()) {
            compare(portable, run(emulated(DType.BF16), recompute, true), 1e-2, 0.4);
        }
    }
}
