package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.error.UserError;
import org.longhaul.metrics.MetricsFile;
import org.longhaul.train.Trainer.Outcome;

/** One trunk, many decays: what branches off the trunk's first stage is what a run of that length would have been. */
class BranchTest {
    @TempDir
    private Path folder;

    private Path trunk;

    @BeforeEach
    void trainTheTrunk() {
        trunk = folder.resolve("trunk");
        assertEquals(Outcome.FINISHED, run(trunk, "checkpoint.retention.permanent_every=6"));
    }

    @Test
    void aBranchOfTheSameLengthIsTheTrunk() throws IOException {
        same("steps=20");
    }

    @Test
    void aShorterDecayIsTheShorterRun() throws IOException {
        same("steps=15");
    }

    @Test
    void aLongerBudgetIsTheLongerRun() throws IOException {
        same("steps=30");
    }

    private void same(String steps) throws IOException {
        Path straight = folder.resolve("straight");
        Path branch = folder.resolve("branch");
        run(straight, steps);
        assertEquals(Outcome.FINISHED, run(branch, steps, from(12)));
        TrainerTest.sameState(straight, branch);
        assertEquals(TrainerTest.losses(straight).subList(12, TrainerTest.losses(straight).size()), lossesOf(branch));
    }

    @Test
    void aPausedBranchGoesOnFromItsOwnCheckpoints() throws IOException {
        Path branch = folder.resolve("branch");
        assertEquals(Outcome.PAUSED, run(branch, "steps=15", "stop_after=1", from(12)));
        assertEquals(Outcome.FINISHED, run(branch, "steps=15", from(12)));
        run(folder.resolve("straight"), "steps=15");
        TrainerTest.sameState(folder.resolve("straight"), branch);
    }

    @Test
    void anotherMixtureStartsAtItsOwnFirstSample() {
        Path branch = folder.resolve("branch");
        run(branch, "steps=15", "data.stage=1", from(12));
        RunState state = RunState.of(CheckpointStore.open(branch.resolve("checkpoints")).openNewest().meta().state());
        assertEquals(15, state.step());
        assertEquals(1, state.stage());
        assertEquals(3 * 8, state.consumed());
    }

    @Test
    void whatWouldNotBeTheSameRunIsRefused() {
        refused("branch from a step before the first drop of both", "steps=40", from(18));
        refused("branch from a step before the first drop of both", "steps=13", from(12));
        refused("learning rate 0.01, under this schedule", "steps=20", "schedule.peak=2e-2", from(12));
        refused("steps must be above it: 12", "steps=12", from(12));
        refused("set seed alike or a higher data.stage", "steps=20", "seed=2", from(12));
        refused("change model, or name another output", "steps=20", "model.ffn=128", from(12));
        UserError both = assertThrows(UserError.class,
                () -> TrainerTest.config(folder.resolve("x"), "checkpoint.init_from=a", "checkpoint.branch_from=b"));
        assertTrue(both.getMessage().contains("must be left out where branch_from is given: a"), both.getMessage());
    }

    private void refused(String why, String... overrides) {
        UserError e = assertThrows(UserError.class, () -> run(folder.resolve("refused"), overrides));
        assertTrue(e.getMessage().contains(why), e.getMessage());
    }

    private String from(long step) {
        return "checkpoint.branch_from=" + trunk.resolve("checkpoints").resolve("step-%08d".formatted(step));
    }

    private static Outcome run(Path output, String... overrides) {
        List<String> all = new ArrayList<>(List.of("validation.every=0"));
        all.addAll(Arrays.asList(overrides));
        return TrainerTest.run(TrainerTest.config(output, all.toArray(String[]::new)));
    }

    private static List<String> lossesOf(Path output) throws IOException {
        return MetricsFile.read(output.resolve("metrics.jsonl")).stream().filter(l -> l.has("loss")).map(l -> l.get("loss"))
                .map(JsonNode::asText).toList();
    }
}
