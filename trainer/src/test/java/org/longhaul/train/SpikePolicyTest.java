package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
import org.longhaul.metrics.MetricsFile;
import org.longhaul.trust.Faults;

/** Planted spikes and values that are no numbers, eight samples a step: what the policy says happens, on every layout. */
class SpikePolicyTest {
    private static final String[] MESHES = {"{data: 1}", "{data: 2}", "{data: 1, tensor: 2}", "{data: 1, pipeline: 2}", "{pipeline: 2, data: 2, tensor: 2}"};
    private static final String[] SETTINGS = {"steps=30", "spikes.window=16", "checkpoint.retention.permanent_every=1", "logging.every=7"};

    @TempDir
    private Path folder;

    @AfterEach
    void nothingIsPlanted() {
        System.clearProperty(Faults.PROPERTY);
    }

    @Test
    void withoutAPolicyTheSpikeDoesHarm() throws IOException {
        run("{data: 1}", "spike=160:168:1000", "spikes.action=watch");
        assertTrue(differ(20, 21, ".exp_avg_sq"), "the planted spike reaches the moments");
        assertEquals(0, skips().size());
        assertEquals(List.of(21L), lines("spike").stream().map(l -> l.get("step").asLong()).toList(), "but it is counted");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{data: 1}", "{data: 2}", "{data: 1, pipeline: 2}"})
    void aFiniteSpikeIsLeftOut(String mesh) throws IOException {
        run(mesh, "spike=160:168:1000", "spikes.action=skip");
        for (String part : List.of("", ".exp_avg", ".exp_avg_sq")) {
            assertFalse(differ(20, 21, part), "step 21 changes nothing" + part);
            assertTrue(differ(19, 20, part) && differ(21, 22, part), "its neighbours do" + part);
        }
        assertEquals(List.of(21L), skips());
        RunState end = state(30);
        assertEquals(1, end.skipped());
        assertEquals(0, end.skippedInRow());
        assertEquals(30 * 8, end.consumed(), "the data went on");
        assertEquals(1, lines("skipped_steps").get(0).get("skipped_steps").asInt());
    }

    @ParameterizedTest
    @ValueSource(strings = {"{data: 1}", "{pipeline: 2, data: 2, tensor: 2}"})
    void afterTooManyItGoesBackAndOnBehindTheBatches(String mesh) throws IOException {
        // Batches of steps 21 to 23 go one after the other; the third is one too many.
        run(mesh, "spike=160:184:1000", "spikes.action=rollback", "spikes.max_skips=2", "checkpoint.retention.permanent_every=6");
        JsonNode back = lines("rolled_back_from").get(0);
        assertEquals(18, back.get("step").asLong());
        assertEquals(23, back.get("rolled_back_from").asLong());
        RunState end = state(30);
        assertEquals(3, end.skipped());
        assertEquals(184 + (30 - 18) * 8, end.consumed(), "samples 160 to 183 are not seen again");
        assertEquals(1, end.rollbacks(), "not yet a whole window beyond");
    }

    @Test
    void aRollBackIsForgottenAWindowLater() throws IOException {
        run("{data: 1}", "spike=160:184:1000", "spikes.action=rollback", "spikes.max_skips=2", "checkpoint.retention.permanent_every=6", "steps=41");
        assertEquals(0, state(41).rollbacks());
    }

    @ParameterizedTest
    @ValueSource(strings = {"{data: 1}", "{data: 1, tensor: 2}"})
    void rollBacksAreBounded(String mesh) throws IOException {
        UserError end = assertThrows(UserError.class, () -> run(mesh, "spike=160:100000:1000", "spikes.action=rollback", "spikes.max_skips=2",
                "spikes.max_rollbacks=2", "checkpoint.retention.permanent_every=5"));
        assertEquals(ExitCode.BAD_INPUT, end.exitCode());
        assertTrue(end.getMessage().matches("step \\d+: 3 steps in a row had no finite loss or a spike, after 2 roll-backs; the last good checkpoint.*"),
                end.getMessage());
        List<Long> to = lines("rolled_back_from").stream().map(l -> l.get("step").asLong()).toList();
        assertEquals(List.of(20L, 15L), to, "each goes a checkpoint further back");
        // What was given up is not resumed from.
        assertEquals(15, CheckpointStore.open(folder.resolve("checkpoints")).openNewest().meta().step());
    }

    @Test
    void withoutACheckpointToGoBackToItSaysSo() {
        UserError end = assertThrows(UserError.class, () -> run("{data: 2}", "spike=160:100000:1000", "spikes.action=rollback", "spikes.max_skips=2",
                "checkpoint.retention.permanent_every=0"));
        assertTrue(end.getMessage().contains("holds no checkpoint from before them to roll back to"), end.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"{data: 1}", "{data: 2}", "{data: 1, tensor: 2}"})
    void aWeightThatIsNoNumberEndsTheRunAndTheCheckpointStays(String mesh) throws IOException {
        UserError end = assertThrows(UserError.class, () -> run(mesh, "weight=160:layers.1.down:NaN", "spikes.action=skip", "spikes.max_skips=2"));
        assertEquals(ExitCode.ENVIRONMENT, end.exitCode(), "another start can mend it");
        assertTrue(end.getMessage().startsWith("step 23: 3 steps in a row had no finite loss"), end.getMessage());
        assertTrue(end.getMessage().contains("weights in a rank's memory are no numbers"), end.getMessage());
        assertEquals(List.of(21L, 22L, 23L), skips());
        assertEquals(20, CheckpointStore.open(folder.resolve("checkpoints")).openNewest().meta().step(), "damage does not get into a checkpoint");
        System.clearProperty(Faults.PROPERTY);
        InProcessJob.run(folder, mesh, SETTINGS);
        assertEquals(0, state(30).skipped());
    }

    @ParameterizedTest
    @ValueSource(strings = {"{data: 1}", "{pipeline: 2, data: 2, tensor: 2}"})
    void goingBackBehindTheStartOfADataStageStaysInTheStage(String mesh) throws IOException {
        String[] settings = {"spikes.action=rollback", "spikes.max_skips=2", "spikes.window=8", "checkpoint.retention.permanent_every=40", "steps=40"};
        InProcessJob.run(folder, mesh, with(settings, "stop_after=20"));
        assertEquals(0, state(20).stage());
        // Batches of steps 31 to 33, samples 80 to 103 of the new stage, go; the newest checkpoint from before them is of the old one.
        run(mesh, "spike=80:104:1000", with(settings, "data.stage=1"));
        JsonNode back = lines("rolled_back_from").get(0);
        assertEquals(List.of(33L, 20L), List.of(back.get("rolled_back_from").asLong(), back.get("step").asLong()));
        RunState end = state(40);
        assertEquals(1, end.stage(), "the place in the data is the new stage's");
        assertEquals(104 + (40 - 20) * 8, end.consumed(), "samples 80 to 103 are not seen again");
        int context = TrainerTest.config(folder).model().context();
        assertEquals((20 * 8 + 104 + (40 - 20) * 8L) * context, end.tokens(context), "of both stages");
        // Were the stage forgotten, another start would read it from its first sample again.
        System.clearProperty(Faults.PROPERTY);
        InProcessJob.run(folder, mesh, with(settings, "data.stage=1", "steps=41"));
        assertEquals(104 + (41 - 20) * 8, state(41).consumed());
    }

    private static String[] with(String[] settings, String... more) {
        List<String> all = new ArrayList<>(Arrays.asList(SETTINGS));
        all.addAll(Arrays.asList(settings));
        all.addAll(Arrays.asList(more));
        return all.toArray(String[]::new);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{data: 2}", "{data: 1, pipeline: 2}"})
    void rollingBackMendsAWeight(String mesh) throws IOException {
        run(mesh, "weight=160:layers.1.down:NaN", "spikes.action=rollback", "spikes.max_skips=2");
        assertEquals(3, state(30).skipped());
        assertEquals(1, lines("rolled_back_from").size());
    }

    @Test
    void everyLayoutDecidesAlike() throws IOException {
        List<RunState> ends = new ArrayList<>();
        for (String mesh : MESHES) {
            folder = folder.resolveSibling(folder.getFileName() + "-" + ends.size());
            run(mesh, "spike=160:168:1000,spike=176:184:1000", "spikes.action=skip", "checkpoint.retention.permanent_every=0");
            assertEquals(List.of(21L, 23L), skips(), mesh);
            ends.add(state(30));
            assertArrayEquals(ends.get(0).losses(), ends.get(ends.size() - 1).losses(), 1e-3, mesh);
        }
    }

    private void run(String mesh, String faults, String... overrides) {
        System.setProperty(Faults.PROPERTY, faults);
        List<String> all = new ArrayList<>(Arrays.asList(SETTINGS));
        all.addAll(Arrays.asList(overrides));
        InProcessJob.run(folder, mesh, all.toArray(String[]::new));
    }

    private List<Long> skips() throws IOException {
        return lines("skipped").stream().map(l -> l.get("step").asLong()).toList();
    }

    private List<JsonNode> lines(String key) throws IOException {
        return MetricsFile.read(folder.resolve("metrics.jsonl")).stream().filter(l -> l.has(key)).toList();
    }

    private RunState state(long step) {
        return RunState.of(CheckpointStore.open(folder.resolve("checkpoints")).open(step).meta().state());
    }

    private boolean differ(long a, long b, String suffix) throws IOException {
        try (CheckpointStore store = CheckpointStore.open(folder.resolve("checkpoints"))) {
            Checkpoint before = store.open(a);
            Checkpoint after = store.open(b);
            String name = "model.layers.1.mlp.down_proj.weight" + suffix;
            return !Arrays.equals(TrainerTest.bytes(before, name), TrainerTest.bytes(after, name));
        }
    }
}
