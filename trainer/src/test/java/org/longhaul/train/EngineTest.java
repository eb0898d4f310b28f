package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.batch.SampleOrder;
import org.longhaul.batch.TokenSource;
import org.longhaul.checkpoint.SaveSchedule.Wish;
import org.longhaul.model.ModelStage;
import org.longhaul.model.ParameterLayout;
import org.longhaul.model.ParameterSpec;
import org.longhaul.model.ParameterStore;
import org.longhaul.model.Recompute;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.Communicator;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Host;

/** What a step learns from. */
class EngineTest {
    private static final double Z_LOSS = 1e-3;

    /**
     * Its gradient is that of the mean loss over all tokens of its samples, however they are cut into micro-batches. Adam and clipping
     * would hide a wrong weight of the loss from every curve.
     */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8})
    void aStepsGradientIsThatOfTheMeanLossOfItsSamples(int microBatch) {
        TrainConfig config = TrainerTest.config(Path.of("none"), "batch.micro_batch=" + microBatch, "z_loss=" + Z_LOSS);
        int sequences = config.batch().sequences();
        int context = config.model().context();
        TokenSource tokens = new Sawtooth(40_000);
        long first = 3L * sequences;
        try (Backend backend = new CpuBackend(1);
                Engine engine = new Engine(config, backend, MeshGroups.single());
                ParameterStore store = new ParameterStore(backend, ParameterLayout.single(config.model()), Communicator.single("data"), true);
                ModelStage stage = new ModelStage(backend, store, sequences, context,
                        new ModelStage.Options(Recompute.NONE, 1, 1000, Z_LOSS, true), Communicator.single("tensor"))) {
            engine.initialise(5);
            engine.gradients(order(tokens, config), first, false, Wish.NONE);
            StepScalars.Result result = engine.scalars().take()[0];

            store.initialise(5);
            int[] inputs = new int[sequences * context];
            int[] targets = new int[sequences * context];
            SampleOrder order = order(tokens, config);
            for (int i = 0; i < sequences; i++) {
                order.read(first + i, inputs, targets, i * context);
            }
            Host.put(backend, stage.tokens(0), inputs);
            Host.put(backend, stage.targets(0), targets);
            Host.put(backend, stage.gradientScale(), 1f / (sequences * context));
            stage.forward(0);
            stage.backward(0, true, bucket -> {});
            stage.finishGradients();

            double squares = 0;
            ParameterStore trained = engine.stores().get(0);
            for (ParameterSpec spec : store.layout().parameters()) {
                float[] want = Host.floats(backend, store.gradient(spec.name()));
                float[] got = Host.floats(backend, trained.gradient(spec.name()));
                double largest = 0;
                for (float w : want) {
                    squares += (double) w * w;
                    largest = Math.max(largest, Math.abs(w));
                }
                for (int i = 0; i < want.length; i++) {
                    assertEquals(want[i], got[i], 1e-5 * largest, spec.name());
                }
            }
            assertEquals(Math.sqrt(squares), result.norm(), 1e-5 * result.norm());
            assertEquals(Host.floats(backend, stage.lossSum())[0], result.lossSum(), 1e-5 * result.lossSum());
        }
    }

    private static SampleOrder order(TokenSource tokens, TrainConfig config) {
        return new SampleOrder(tokens, config.model().context(), config.seed(), config.data().stage());
    }
}
