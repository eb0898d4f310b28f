package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.longhaul.batch.SampleOrder;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.checkpoint.SaveSchedule.Wish;
import org.longhaul.checkpoint.StateBoxes;
import org.longhaul.model.ParameterStore;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.tensor.Host;
import org.longhaul.trust.Faults;

/** A run that leaves out updates ends as an optimizer does that was not called there: weights and moments, to the bit. */
class SkippedUpdateTest {
    private static final int BATCH = 8;
    private static final String[] SETTINGS = {"steps=12", "spikes.action=skip", "validation.every=0", "schedule.warmup_steps=0"};
    /** Of steps 1, 2 and 5: no numbers. */
    private static final String FAULT = "spike=0:16:NaN,spike=32:40:NaN";
    private static final Set<Integer> LEFT_OUT = Set.of(1, 2, 5);

    @TempDir
    private Path folder;

    @AfterEach
    void nothingIsPlanted() {
        System.clearProperty(Faults.PROPERTY);
    }

    @ParameterizedTest
    @CsvSource({"f32, 0", "f32, 3", "f32, 5", "bf16, 0", "bf16, 4"})
    void aSkippedStepIsOneThatTheOptimizerNeverSaw(String moments, int pause) {
        TrainConfig config = TrainerTest.config(folder.resolve("run"), with(SETTINGS, "optimizer.moments=" + moments));
        float[][] expected = called(config, true);
        System.setProperty(Faults.PROPERTY, FAULT);
        if (pause > 0) {
            TrainerTest.run(TrainerTest.config(folder.resolve("run"), with(SETTINGS, "optimizer.moments=" + moments, "stop_after=" + pause)));
        }
        TrainerTest.run(config);
        float[][] got = saved(config);
        for (int i = 0; i < expected.length; i++) {
            assertEquals(-1, Arrays.mismatch(expected[i], got[i]), "state " + i);
        }
        assertFalse(Arrays.equals(called(config, false)[0], got[0]), "the reference would tell a counted skip");
        try (CheckpointStore store = CheckpointStore.open(config.checkpointRoot())) {
            assertEquals(12 - LEFT_OUT.size(), RunState.of(store.openNewest().meta().state()).updates());
        }
    }

    @Test
    void statesFromBeforeItCountEveryStep() {
        RunState state = new RunState(9, 72, 0, 0, 2, 0, new double[0], new double[0], 0, 0, 7L);
        ObjectNode json = state.json();
        assertEquals(7, RunState.of(json).updates());
        json.remove("updates");
        assertEquals(9, RunState.of(new ObjectMapper().valueToTree(json)).updates());
    }

    // Weights and moments after steps without the ones left out; counted: the optimizer's own count, else that of steps.
    private static float[][] called(TrainConfig config, boolean counted) {
        try (CpuBackend backend = new CpuBackend(1); Engine engine = new Engine(config, backend, MeshGroups.single())) {
            engine.initialise(config.seed());
            SampleOrder order = new SampleOrder(TrainerTest.data().train(), config.model().context(), config.seed(), config.data().stage());
            long calls = 0;
            for (int step = 1; step <= config.steps(); step++) {
                if (!LEFT_OUT.contains(step)) {
                    engine.gradients(order, (step - 1L) * BATCH, false, Wish.NONE);
                    engine.update(config.schedule().at(step, config.steps()), step, counted ? ++calls : step);
                    engine.scalars().take();
                }
            }
            return state(backend, engine.stores().get(0));
        }
    }

    private static float[][] saved(TrainConfig config) {
        try (CpuBackend backend = new CpuBackend(1); Engine engine = new Engine(config, backend, MeshGroups.single());
                CheckpointStore store = CheckpointStore.open(config.checkpointRoot())) {
            engine.initialise(config.seed() + 1);
            store.openNewest().load(backend, StateBoxes.resumed(engine.stores().get(0)));
            return state(backend, engine.stores().get(0));
        }
    }

    private static float[][] state(CpuBackend backend, ParameterStore store) {
        return new float[][] {Host.floats(backend, store.master()), Host.floats(backend, store.firstMoment()), Host.floats(backend, store.secondMoment())};
    }

    private static String[] with(String[] settings, String... more) {
        String[] all = Arrays.copyOf(settings, settings.length + more.length);
        System.arraycopy(more, 0, all, settings.length, more.length);
        return all;
    }
}
