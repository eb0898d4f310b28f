package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.checkpoint.RankGroup;
import org.longhaul.config.ConfigLoader;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
import org.longhaul.launch.JobEnd;
import org.longhaul.metrics.MetricsFile;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.tensor.DType;
import org.longhaul.train.Trainer.Outcome;

/** The loop on a made-up language that a small model learns: loss falls, runs repeat and resume bit for bit. */
class TrainerTest {
    @TempDir
    private Path folder;

    static TrainConfig config(Path output, String... overrides) {
        String yaml = """
                output: %s
                model: {layers: 2, d_model: 32, heads: 4, kv_heads: 2, ffn: 64, vocab: 96, context: 32, init_std: 0.02}
                data: {path: none}
                batch: {sequences: 8, micro_batch: 4}
                steps: 20
                schedule: {type: multi_step, peak: 1e-2, warmup_steps: 4}
                device: {threads: 1}
                validation: {every: 10, tokens: 2000}
                logging: {tensorboard: false}
                """.formatted(output);
        return ConfigLoader.parse(yaml, "test", List.of(overrides), TrainConfig.class);
    }

    static TrainData data() {
        Sawtooth train = new Sawtooth(40_000);
        return new TrainData(
                train, Optional.of(new Sawtooth(4_000)), 2.0, 4.0, Map.of("dataset", "sawtooth"), Optional.of(train.origins()));
    }

    static Outcome run(TrainConfig config) {
        try (RankSetup setup =
                new RankSetup(new CpuBackend(config.device().threads()), MeshGroups.single(), RankGroup.single(), null, null, 0)) {
            return TrainJob.run(config, data(), setup, new StopRequest());
        }
    }

    @Test
    void lossFallsAndTheCurveIsDrawn() throws IOException {
        assertEquals(Outcome.FINISHED, run(config(folder, "steps=60")));
        List<String> losses = losses(folder);
        assertEquals(60, losses.size());
        double first = Double.parseDouble(losses.get(0));
        double last = Double.parseDouble(losses.get(59));
        assertEquals(Math.log(96), first, 0.1);
        assertTrue(last < 0.6 * first, "loss from " + first + " to " + last);
        assertTrue(Files.readString(folder.resolve("loss.svg")).contains("validation"));
        List<JsonNode> validations =
                MetricsFile.read(folder.resolve("metrics.jsonl")).stream().filter(l -> l.has("validation_loss")).toList();
        assertEquals(6, validations.size());
        JsonNode step = MetricsFile.read(folder.resolve("metrics.jsonl")).stream().filter(l -> l.has("loss")).toList().get(59);
        assertTrue(step.get("gc_pause_ms").asLong() >= 0 && step.get("gc_collections").asLong() >= 0, step.toString());
        assertTrue(step.get("allocated_bytes_per_step").asLong() > 1000, step.toString());
        assertEquals(60 * 8, step.get("consumed_samples").asLong());
        double loss = validations.get(5).get("validation_loss").asDouble();
        assertEquals(loss / Math.log(2) / 2, validations.get(5).get("bits_per_byte").asDouble(), 1e-9);
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "selective", "full"})
    void twentyStepsEqualTenAndTenResumed(String recompute) throws IOException {
        Path straight = folder.resolve("straight");
        Path halves = folder.resolve("halves");
        assertEquals(Outcome.FINISHED, run(config(straight, "memory.recompute=" + recompute)));
        assertEquals(Outcome.PAUSED, run(config(halves, "stop_after=10", "memory.recompute=" + recompute)));
        assertEquals(10, losses(halves).size());
        assertEquals(Outcome.FINISHED, run(config(halves, "memory.recompute=" + recompute)));
        assertEquals(losses(straight), losses(halves));
        sameState(straight, halves);
    }

    /** The mask comes from the data alone: nothing of it is in a checkpoint, and a run may be stopped anywhere. */
    @ParameterizedTest
    @ValueSource(strings = {"none", "full"})
    void withinDocumentsTwentyStepsEqualSevenAndThirteen(String recompute) throws IOException {
        Path straight = folder.resolve("straight");
        Path parts = folder.resolve("parts");
        String[] keys = {"data.document_mask=true", "memory.recompute=" + recompute};
        assertEquals(Outcome.FINISHED, run(config(straight, keys)));
        assertEquals(Outcome.PAUSED, run(config(parts, keys[0], keys[1], "stop_after=7")));
        assertEquals(Outcome.FINISHED, run(config(parts, keys)));
        assertEquals(losses(straight), losses(parts));
        sameState(straight, parts);
        run(config(folder.resolve("open"), keys[1]));
        assertNotEquals(losses(folder.resolve("open")), losses(straight));
    }

    @Test
    void twoRunsAreEqualAndAFinishedOneStaysAsItIs() throws IOException {
        run(config(folder.resolve("a")));
        run(config(folder.resolve("b"), "memory.recompute=full", "memory.loss_chunk=128"));
        assertEquals(losses(folder.resolve("a")), losses(folder.resolve("b")));
        sameState(folder.resolve("a"), folder.resolve("b"));
        assertEquals(Outcome.FINISHED, run(config(folder.resolve("a"))));
        assertEquals(losses(folder.resolve("b")), losses(folder.resolve("a")));
    }

    /** With checkpoints elsewhere nothing else has made the output's folder when the first line of the history is written. */
    @Test
    void historyBeginsWithTheStartWhereverCheckpointsLie() throws IOException {
        run(config(folder.resolve("run"), "steps=2", "checkpoint.path=" + folder.resolve("elsewhere")));
        List<String> lines = Files.readAllLines(folder.resolve("run/history.jsonl"));
        assertEquals(2, lines.size(), lines.toString());
        assertTrue(lines.get(0).contains("\"event\":\"start\""), lines.get(0));
    }

    /** Nobody wants step 0 in place of two months, neither at once nor when the scheduler starts the job again. */
    @Test
    void aRunWhoseCheckpointsAreAllDamagedDoesNotBeginAnew() throws IOException {
        run(config(folder, "stop_after=10"));
        List<String> before = losses(folder);
        Files.delete(folder.resolve("checkpoints/step-00000010/rank-0000.bin"));
        for (String resume : List.of("auto", "always", "auto")) {
            UserError e = assertThrows(UserError.class, () -> run(config(folder, "checkpoint.resume=" + resume)));
            assertEquals(ExitCode.BAD_INPUT, e.exitCode());
        }
        assertEquals(before, losses(folder));
    }

    @Test
    void accumulationChangesOnlyRounding() throws IOException {
        run(config(folder.resolve("a"), "batch.micro_batch=8"));
        run(config(folder.resolve("b"), "batch.micro_batch=1"));
        List<String> a = losses(folder.resolve("a"));
        List<String> b = losses(folder.resolve("b"));
        for (int i = 0; i < a.size(); i++) {
            assertEquals(Double.parseDouble(a.get(i)), Double.parseDouble(b.get(i)), 2e-4, "step " + (i + 1));
        }
    }

    @Test
    void aSignalSavesAndTheNextRunGoesOn() throws IOException {
        run(config(folder.resolve("straight")));
        TrainConfig config = config(folder.resolve("stopped"));
        StopRequest stop = new StopRequest();
        stop.raise("SIGTERM");
        try (RankSetup setup = new RankSetup(new CpuBackend(1), MeshGroups.single(), RankGroup.single(), null, null, 0)) {
            assertEquals(Outcome.STOPPED, TrainJob.run(config, data(), setup, stop));
        }
        assertEquals(1, losses(folder.resolve("stopped")).size());
        assertEquals(Outcome.FINISHED, run(config));
        assertEquals(losses(folder.resolve("straight")), losses(folder.resolve("stopped")));
        sameState(folder.resolve("straight"), folder.resolve("stopped"));
    }

    @Test
    void theEndOfTheJobSavesInTimeAndTheNextJobGoesOn() throws IOException {
        run(config(folder.resolve("straight")));
        TrainConfig config = config(folder.resolve("ended"));
        // Every look at the clock costs a minute of the job's hour; half of it is left to train in whatever a save may need.
        AtomicLong looks = new AtomicLong();
        Instant start = Instant.parse("2026-11-23T12:00:00Z");
        StopRequest stop = new StopRequest();
        stop.endsWith(JobEnd.of(Map.of("SLURM_JOB_ID", "7"), () -> start.plusSeconds(60 * looks.getAndIncrement()), () -> Optional.of(start.plusSeconds(3600))).orElseThrow());
        stop.requireTime(0);
        assertFalse(stop.raised());
        while (!stop.raised()) {
            stop.requireTime(1e6);
        }
        assertTrue(looks.get() > 25, "half of the job's time is its own");
        assertEquals("the end of the job", stop.name());
        try (RankSetup setup = new RankSetup(new CpuBackend(1), MeshGroups.single(), RankGroup.single(), null, null, 0)) {
            assertEquals(Outcome.STOPPED, TrainJob.run(config, data(), setup, stop));
        }
        assertEquals(Outcome.FINISHED, run(config));
        assertEquals(losses(folder.resolve("straight")), losses(folder.resolve("ended")));
    }

    @Test
    void aJobThatEndsMeanwhileStopsByItself() throws IOException {
        AtomicLong looks = new AtomicLong();
        Instant start = Instant.parse("2026-11-23T12:00:00Z");
        StopRequest stop = new StopRequest();
        stop.endsWith(JobEnd.of(Map.of("SLURM_JOB_ID", "7"), () -> start.plusSeconds(60 * looks.getAndIncrement()), () -> Optional.of(start.plusSeconds(720))).orElseThrow());
        // Slow enough for the question to be answered, though no clock is asked.
        try (RankSetup setup = new RankSetup(new CpuBackend(1), MeshGroups.single(), RankGroup.single(), null, null, 0)) {
            assertEquals(Outcome.STOPPED, TrainJob.run(config(folder, "steps=100000"), data(), setup, stop));
        }
        int steps = losses(folder).size();
        assertTrue(steps > 1, "steps: " + steps);
        try (CheckpointStore store = CheckpointStore.open(folder.resolve("checkpoints"))) {
            assertEquals(steps, store.openNewest().meta().step());
        }
    }

    @Test
    void aModelWithoutFiniteLossIsNeitherUpdatedNorTrainedOn() throws IOException {
        TrainConfig config = config(folder, "z_loss=1e39", "spikes.max_skips=2", "checkpoint.save_initial=true");
        UserError end = assertThrows(UserError.class, () -> run(config));
        assertEquals(ExitCode.BAD_INPUT, end.exitCode());
        assertTrue(end.getMessage().contains("step 3: 3 steps in a row had no finite loss"), end.getMessage());
        // The save of the initial weights brings a line of its own, whenever it ends.
        List<JsonNode> steps = MetricsFile.read(folder.resolve("metrics.jsonl")).stream().filter(l -> l.has("skipped")).toList();
        assertEquals(3, steps.size());
        assertTrue(steps.get(0).get("skipped").asBoolean());
    }

    @Test
    void anotherModelOrOtherDataDoesNotResume() {
        run(config(folder, "stop_after=2"));
        UserError model = assertThrows(UserError.class, () -> run(config(folder, "model.layers=3")));
        assertTrue(model.getMessage().contains("model.layers 2 → 3"), model.getMessage());
        UserError never = assertThrows(UserError.class, () -> run(config(folder, "checkpoint.resume=never")));
        assertTrue(never.getMessage().contains("checkpoint.resume is never"), never.getMessage());
        UserError batch = assertThrows(UserError.class, () -> config(folder, "batch.micro_batch=3"));
        assertTrue(batch.getMessage().contains("must be a multiple of micro_batch: 8 and 3"), batch.getMessage());
    }

    static List<String> losses(Path output) throws IOException {
        List<String> losses = new ArrayList<>();
        for (JsonNode line : MetricsFile.read(output.resolve("metrics.jsonl"))) {
            if (line.has("loss")) {
                assertEquals(losses.size() + 1, line.get("step").asInt());
                losses.add(line.get("loss").asText());
            }
        }
        return losses;
    }

    static void sameState(Path a, Path b) throws IOException {
        sameState(a.resolve("checkpoints").toString(), b.resolve("checkpoints").toString());
    }

    static void sameState(String a, String b) throws IOException {
        try (CheckpointStore left = CheckpointStore.open(a);
                CheckpointStore right = CheckpointStore.open(b)) {
            Checkpoint l = left.openNewest();
            Checkpoint r = right.openNewest();
            assertEquals(l.meta().step(), r.meta().step());
            assertEquals(l.tensorNames(), r.tensorNames());
            assertEquals(l.meta().state(), r.meta().state());
            for (String name : l.tensorNames()) {
                assertArrayEquals(bytes(l, name), bytes(r, name), name);
            }
        }
    }

    static byte[] bytes(Checkpoint checkpoint, String name) throws IOException {
        var out = new java.io.ByteArrayOutputStream();
        checkpoint.stream(checkpoint.box(name), DType.F32, part -> {
            byte[] copy = new byte[part.remaining()];
            part.get(copy);
            out.write(copy, 0, copy.length);
        });
        return out.toByteArray();
    }
}
