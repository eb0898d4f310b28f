package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.batch.TokenSource;
import org.longhaul.checkpoint.RankGroup;
import org.longhaul.metrics.MetricsFile;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.train.Trainer.Outcome;

/** A disk that fills up and is freed again: training goes on, and ends with the same parameters and every line of metrics. */
class FullDiskTest {
    @TempDir
    Path folder;

    @Test
    void trainingGoesOnWhileTheDiskIsFull() throws Exception {
        Path disk = Files.createDirectories(folder.resolve("disk"));
        assumeTrue(run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk.toString()), "mounting a small tmpfs is not permitted here");
        try {
            String[] overrides = {"steps=20", "validation.every=0", "checkpoint.retention.permanent_every=1", "checkpoint.retention.keep_permanent=2"};
            TokenSource fills = new TokenSource() {
                private final Sawtooth tokens = new Sawtooth(40_000);
                private int reads;

                @Override
                public long tokens() {
                    return tokens.tokens();
                }

                @Override
                public void read(long position, int[] target, int offset, int count) {
                    // Two reads a sample, eight samples a step: full from step 8 to step 15.
                    reads++;
                    if (reads == 7 * 16) {
                        fill(disk.resolve("filler"));
                    } else if (reads == 15 * 16) {
                        delete(disk.resolve("filler"));
                    }
                    tokens.read(position, target, offset, count);
                }
            };
            train(disk.resolve("run"), fills, overrides);
            train(folder.resolve("straight"), new Sawtooth(40_000), overrides);
            TrainerTest.sameState(folder.resolve("straight"), disk.resolve("run"));
            assertEquals(TrainerTest.losses(folder.resolve("straight")), TrainerTest.losses(disk.resolve("run")));
            List<JsonNode> saves = MetricsFile.read(disk.resolve("run/metrics.jsonl")).stream()
                    .filter(l -> l.has("checkpoint_stall_seconds")).toList();
            assertTrue(saves.get(saves.size() - 1).get("checkpoint_failures").asInt() >= 5, saves.toString());
            assertEquals(saves.get(saves.size() - 1).get("checkpoint_failures").asInt(),
                    saves.stream().filter(l -> l.has("checkpoint_failed")).count(), saves.toString());
        } finally {
            run("umount", disk.toString());
        }
    }

    private static void train(Path output, TokenSource tokens, String... overrides) {
        TrainData data = new TrainData(tokens, Optional.empty(), 2.0, 4.0, Map.of("dataset", "sawtooth"));
        try (RankSetup setup = new RankSetup(new CpuBackend(1), MeshGroups.single(), RankGroup.single(), null, null, 0)) {
            assertEquals(Outcome.FINISHED, TrainJob.run(TrainerTest.config(output, overrides), data, setup, new StopRequest()));
        }
    }

    @Test
    void linesThatADiskRefusesGoOutWhole() throws Exception {
        Path disk = Files.createDirectories(folder.resolve("small"));
        assumeTrue(run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk.toString()), "mounting a small tmpfs is not permitted here");
        try {
            int refused = 0;
            try (MetricsFile file = MetricsFile.open(disk.resolve("metrics.jsonl"), 0)) {
                for (int step = 1; step <= 300; step++) {
                    if (step == 50) {
                        fill(disk.resolve("filler"));
                    } else if (step == 280) {
                        delete(disk.resolve("filler"));
                    }
                    try {
                        file.write(Map.of("step", step, "text", "x".repeat(70)));
                    } catch (IOException full) {
                        refused++;
                    }
                }
            }
            assertTrue(refused > 50, refused + " lines were refused");
            List<JsonNode> lines = MetricsFile.read(disk.resolve("metrics.jsonl"));
            assertEquals(300, lines.size());
            for (int i = 0; i < 300; i++) {
                assertEquals(i + 1, lines.get(i).get("step").asInt());
            }
        } finally {
            run("umount", disk.toString());
        }
    }

    private static void fill(Path file) {
        byte[] block = new byte[4096];
        try (var out = Files.newOutputStream(file)) {
            while (true) {
                out.write(block);
            }
        } catch (IOException full) {
            assertTrue(full.getMessage().contains("No space left"), full.getMessage());
        }
    }

    private static void delete(Path file) {
        try {
            Files.delete(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean run(String... command) throws IOException, InterruptedException {
        return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
    }
}
