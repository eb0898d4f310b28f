package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.checkpoint.RankGroup;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
import org.longhaul.metrics.MetricsFile;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.train.Trainer.Outcome;

/** A run is started again under another configuration: what would spoil it silently is refused, what changes it is said. */
class SameRunTest {
    private static final Map<String, String> SHARDS = Map.of("dataset", "a", "tokenizer", "t");

    @TempDir
    private Path folder;

    @BeforeEach
    void tenStepsOfTwenty() {
        assertEquals(Outcome.PAUSED, run(SHARDS, "stop_after=10"));
    }

    @Test
    void anotherSeedWouldRepeatSamples() {
        refused("set seed alike or a higher data.stage", SHARDS, "seed=2");
        assertEquals(Outcome.FINISHED, run(SHARDS, "seed=2", "data.stage=1"));
    }

    @Test
    void anEarlierDataStageWouldRepeatSamples() {
        run(Map.of("dataset", "b", "tokenizer", "t"), "data.stage=2", "stop_after=2");
        refused("is in data stage 2 already, data.stage is 1", SHARDS, "data.stage=1");
        refused("is in data stage 2 already, data.stage is 0", SHARDS);
    }

    @Test
    void anotherTokenizerIsRefusedInEveryStage() {
        refused("the same ids mean other text", Map.of("dataset", "a", "tokenizer", "u"));
        refused("the same ids mean other text", Map.of("dataset", "b", "tokenizer", "u"), "data.stage=1");
    }

    @Test
    void otherDataAreRefusedWithBothFolders() {
        refused("trained on dataset a of none, that of other/shards is b; a new mixture needs a higher data.stage",
                Map.of("dataset", "b", "tokenizer", "t"), "data.path=other/shards");
    }

    @Test
    void whatInitialWeightsWereDrawnFromDoesNotMatterAndTheContextMayGrowInANewStage() {
        refused("model.context 32 → 64", SHARDS, "model.context=64");
        assertEquals(Outcome.PAUSED, run(SHARDS, "model.init_std=0.5", "stop_after=1"));
        assertEquals(Outcome.FINISHED, run(SHARDS, "model.context=64", "data.stage=1"));
    }

    @Test
    void aJumpOfTheRateIsSaid() {
        Checkpoint checkpoint = CheckpointStore.open(folder.resolve("checkpoints").toString()).openNewest();
        assertEquals(Optional.empty(), SameRun.rateJump(checkpoint, TrainerTest.config(folder, "steps=40", "seed=3")));
        String jump = SameRun.rateJump(checkpoint, TrainerTest.config(folder, "schedule.peak=2e-2")).orElseThrow();
        assertTrue(jump.contains("step 10 had learning rate 0.01, under this schedule with 20 steps it would have had 0.02"), jump);
    }

    @Test
    void theHistoryTellsEveryStartAndEndAndWhatChanged() throws IOException {
        run(SHARDS, "optimizer.weight_decay=0.2", "batch.micro_batch=8", "stop_after=5");
        StopRequest stop = new StopRequest();
        stop.raise("SIGUSR1");
        assertEquals(Outcome.STOPPED, run(SHARDS, stop));
        UserError bad = assertThrows(UserError.class, () -> run(Map.of("dataset", "b"), new StopRequest()));
        assertEquals(ExitCode.BAD_INPUT, bad.exitCode());
        List<JsonNode> lines = MetricsFile.read(folder.resolve("history.jsonl"));
        assertEquals(List.of("start 0", "end 10", "start 10", "end 15", "start 15", "end 16"),
                lines.stream().map(l -> l.get("event").asText() + " " + l.get("step").asText()).toList());
        assertEquals("starts anew", lines.get(0).get("how").asText());
        assertEquals("paused", lines.get(1).get("outcome").asText());
        assertEquals("resumed", lines.get(2).get("how").asText());
        assertTrue(lines.get(2).get("from").asText().endsWith("step-00000010"), lines.get(2).toString());
        assertEquals("batch.micro_batch 4 → 8, optimizer.weight_decay 0.1 → 0.2", lines.get(2).get("changed").asText());
        assertEquals("SIGUSR1", lines.get(5).get("why").asText());
        assertFalse(lines.get(0).has("changed"));
    }

    @Test
    void everyLineOfMetricsHasItsTime() throws IOException {
        for (JsonNode line : MetricsFile.read(folder.resolve("metrics.jsonl"))) {
            assertTrue(line.path("time").asText().matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z"), line.toString());
        }
    }

    @Test
    void aRefusedStartLeavesTheConfigurationAlone() throws IOException {
        refused("model.layers 2 → 3", SHARDS, "model.layers=3", "steps=99");
        assertTrue(Files.readString(folder.resolve("config.yaml")).contains("steps: 20\n"));
    }

    private void refused(String why, Map<String, String> fingerprints, String... overrides) {
        UserError e = assertThrows(UserError.class, () -> run(fingerprints, overrides));
        assertEquals(ExitCode.BAD_INPUT, e.exitCode());
        assertTrue(e.getMessage().contains(why), e.getMessage());
    }

    private Outcome run(Map<String, String> fingerprints, String... overrides) {
        return run(fingerprints, new StopRequest(), overrides);
    }

    private Outcome run(Map<String, String> fingerprints, StopRequest stop, String... overrides) {
        TrainConfig config = TrainerTest.config(folder, overrides);
        TrainData d = TrainerTest.data();
        TrainData data = new TrainData(d.train(), d.validation(), d.validationBytesPerToken(), d.unigramEntropy(), fingerprints, d.origins());
        try (RankSetup setup = new RankSetup(new CpuBackend(1), MeshGroups.single(), RankGroup.single(), null, null, 0)) {
            return TrainJob.run(config, data, setup, stop);
        }
    }
}
