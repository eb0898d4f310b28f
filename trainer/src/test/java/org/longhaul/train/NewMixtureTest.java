package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.batch.TokenSource;
import org.longhaul.checkpoint.RankGroup;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.train.Trainer.Outcome;

/** A new stage whose data are harder than the old one's: its loss is far above what was usual, and no spike. */
class NewMixtureTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path folder;

    @Test
    void theLossOfANewMixtureIsNoSpike() throws IOException {
        String[] keys = {"spikes.window=8", "checkpoint.retention.permanent_every=20"};
        TrainConfig first = TrainerTest.config(folder, keys[0], keys[1]);
        assertEquals(Outcome.FINISHED, TrainerTest.run(first));
        TrainConfig second = TrainerTest.config(folder, keys[0], keys[1], "data.stage=1", "steps=30");
        assertEquals(Outcome.FINISHED, run(second));
        List<JsonNode> steps = Files.readAllLines(folder.resolve("metrics.jsonl")).stream().map(NewMixtureTest::json).filter(n -> n.has("loss")).toList();
        double before = steps.stream().filter(n -> n.get("step").asInt() == 20).findFirst().orElseThrow().get("loss").asDouble();
        double after = steps.stream().filter(n -> n.get("step").asInt() == 21).findFirst().orElseThrow().get("loss").asDouble();
        assertTrue(after > before + 1, before + " and then " + after + ": not the jump that this is about");
        JsonNode last = steps.get(steps.size() - 1);
        assertEquals(10 * 8, last.get("consumed_samples").asLong(), "samples are of the stage");
        assertEquals(1, last.get("data_stage").asInt());
        assertEquals(30 * second.tokensPerStep(), last.get("consumed_tokens").asLong(), "tokens are of the run");
        assertEquals(0, steps.stream().filter(n -> n.path("spike").asBoolean() || n.path("skipped").asBoolean()).count(), steps.toString());
    }

    private static JsonNode json(String line) {
        try {
            return JSON.readTree(line);
        } catch (IOException e) {
            throw new IllegalStateException(line, e);
        }
    }

    private static Outcome run(TrainConfig config) {
        TrainData noise = new TrainData(new Noise(40_000), Optional.empty(), 2.0, 4.0, Map.of("dataset", "noise"), Optional.empty());
        try (RankSetup setup = new RankSetup(new CpuBackend(1), MeshGroups.single(), RankGroup.single(), null, null, 0)) {
            return TrainJob.run(config, noise, setup, new StopRequest());
        }
    }

    private record Noise(long tokens) implements TokenSource {
        @Override
        public void read(long position, int[] target, int offset, int count) {
            for (int i = 0; i < count; i++) {
                target[offset + i] = (int) ((((position + i) * 0x9E3779B97F4A7C15L) >>> 33) % 96);
            }
        }
    }
}
