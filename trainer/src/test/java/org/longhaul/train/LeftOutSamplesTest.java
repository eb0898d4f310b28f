package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.batch.SampleOrder;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.checkpoint.SaveSchedule.Wish;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
import org.longhaul.metrics.MetricsFile;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.MeshGroups;

/** {@code data.skip}: from the step on that it names, a run reads what lies behind the samples left out, wherever it is stopped and started. */
class LeftOutSamplesTest {
    private static final int BATCH = 8;
    private static final int STEPS = 12;
    private static final String SKIP = "data.skip=[{behind_step: 5, samples: 20}, {behind_step: 9, samples: 3}]";

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"skip 0", "skip 4", "skip 5", "skip 6", "watch 0", "watch 9"})
    void stepsBehindReadOnFartherDown(String how) throws IOException {
        String action = "spikes.action=" + how.split(" ")[0];
        int pause = Integer.parseInt(how.split(" ")[1]);
        if (pause > 0) {
            TrainerTest.run(config(SKIP, action, "stop_after=" + pause));
        }
        TrainerTest.run(config(SKIP, action));
        List<Double> expected = losses(config(action));
        List<Double> got = MetricsFile.read(folder.resolve("metrics.jsonl")).stream().filter(l -> l.has("loss")).map(l -> l.get("loss").asDouble()).toList();
        assertEquals(STEPS, got.size());
        for (int i = 0; i < STEPS; i++) {
            assertEquals(expected.get(i), got.get(i), 1e-6, "step " + (i + 1));
        }
        List<Long> consumed = MetricsFile.read(folder.resolve("metrics.jsonl")).stream().filter(l -> l.has("loss"))
                .map(l -> l.get("consumed_samples").asLong()).toList();
        for (int i = 0; i < STEPS; i++) {
            assertEquals(first(i + 1) + BATCH, consumed.get(i), "step " + (i + 1));
        }
    }

    @Test
    void aRunGoesBackAndLeavesThemOut() {
        TrainerTest.run(config("checkpoint.retention.permanent_every=4"));
        try (CheckpointStore store = CheckpointStore.open(folder.resolve("checkpoints").toString())) {
            store.rollBackTo(4, "bad samples");
        }
        TrainerTest.run(config(SKIP));
        try (CheckpointStore store = CheckpointStore.open(folder.resolve("checkpoints").toString())) {
            assertEquals(first(STEPS) + BATCH, RunState.of(store.openNewest().meta().state()).consumed());
        }
    }

    @Test
    void stepsThatARunHasPassedAreRefused() {
        TrainerTest.run(config("stop_after=6"));
        UserError e = assertThrows(UserError.class, () -> TrainerTest.run(config(SKIP)));
        assertEquals(ExitCode.BAD_INPUT, e.exitCode());
        assertTrue(e.getMessage().contains("step-00000006: is past step 5, behind which data.skip leaves out 20 samples; go back first"), e.getMessage());
        TrainerTest.run(config("data.skip=[{behind_step: 6, samples: 1}]"));
    }

    @Test
    void whatCannotBeMeantIsRefused() {
        refused("data.skip=[{behind_step: 12, samples: 1}]", "behind_step must be below steps");
        refused("data.skip=[{behind_step: 5, samples: 0}]", "samples: must be 1 to");
        refused("data.skip=[{behind_step: -1, samples: 5}]", "behind_step: must not be negative");
        refused("data.skip=[{behind_step: 5, samples: 1}, {behind_step: 5, samples: 2}]", "data.skip: must name each behind_step once, smaller ones first");
    }

    private void refused(String skip, String why) {
        UserError e = assertThrows(UserError.class, () -> config(skip));
        assertTrue(e.getMessage().contains(why), e.getMessage());
    }

    private TrainConfig config(String... overrides) {
        String[] all = new String[overrides.length + 3];
        all[0] = "steps=" + STEPS;
        all[1] = "validation.every=0";
        // With watch the host looks at several steps at once.
        all[2] = "logging.every=7";
        System.arraycopy(overrides, 0, all, 3, overrides.length);
        return TrainerTest.config(folder, all);
    }

    private static long first(int step) {
        return (step - 1L) * BATCH + (step > 5 ? 20 : 0) + (step > 9 ? 3 : 0);
    }

    // Of an engine that is told which samples to read.
    private static List<Double> losses(TrainConfig config) {
        try (CpuBackend backend = new CpuBackend(1); Engine engine = new Engine(config, backend, MeshGroups.single())) {
            engine.initialise(config.seed());
            SampleOrder order = new SampleOrder(TrainerTest.data().train(), config.model().context(), config.seed(), config.data().stage());
            List<Double> losses = new ArrayList<>();
            for (int step = 1; step <= STEPS; step++) {
                engine.gradients(order, first(step), false, Wish.NONE);
                losses.add(engine.scalars().take()[0].lossSum() / config.tokensPerStep());
                engine.update(config.schedule().at(step, config.steps()), step, step);
            }
            return losses;
        }
    }
}
