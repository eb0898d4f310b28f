package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.batch.SampleOrder;
import org.longhaul.bench.RandomShards;
import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.error.UserError;
import org.longhaul.launch.RankEnvironment;
import org.longhaul.shards.ShardManifest;
import org.longhaul.train.Trainer.Outcome;

/** A run over a damaged shard ends before it trains on it, and goes on as if nothing had been once the file is whole again. */
class DamagedShardsTest {
    private static final int STEPS = 20;

    @TempDir
    private Path folder;

    private Path shards;
    private Path file;

    @BeforeEach
    void write() throws IOException {
        shards = TestShards.write(folder.resolve("shards"), 2_000_000);
        file = shards.resolve("train-00000.tokens.arrow");
    }

    private TrainConfig config(String output, String... more) {
        String[] all = java.util.Arrays.copyOf(new String[] {"data.path=" + shards, "steps=" + STEPS, "spikes.action=watch", "logging.every=1",
            "checkpoint.retention={ephemeral_every: 0s, permanent_every: 4}"}, 5 + more.length);
        System.arraycopy(more, 0, all, 5, more.length);
        return TrainerTest.config(folder.resolve(output), all);
    }

    private static Outcome run(TrainConfig config) {
        return TrainJob.run(config, RankEnvironment.alone());
    }

    /** Of the pages that the run reads the one that it reads last for the first time: its first token that is read, and the step. */
    private long[] lastPage(TrainConfig config) {
        SampleOrder order = new SampleOrder(TrainData.open(config).train(), config.model().context(), config.seed(), 0);
        Map<Long, long[]> first = new HashMap<>();
        for (long k = 0; k < STEPS * config.batch().sequences(); k++) {
            long token = order.window(k) * config.model().context();
            first.putIfAbsent(token / (ShardManifest.Shard.PAGE_BYTES / 2), new long[] {token, 1 + k / config.batch().sequences()});
        }
        return first.values().stream().max((a, b) -> Long.compare(a[1], b[1])).orElseThrow();
    }

    private void flip(long token) throws IOException {
        // Headers are shorter than a page; which token exactly it is does not matter.
        TestShards.flip(file, 2 * token + 512);
    }

    private List<String> losses(String output) throws IOException {
        return TrainerTest.losses(folder.resolve(output));
    }

    @Test
    void aFlippedBitEndsTheRunBeforeItIsTrainedOnAndAMendedFileGoesOnBitForBit() throws IOException {
        assertEquals(Outcome.FINISHED, run(config("straight")));
        long[] page = lastPage(config("straight"));
        assertTrue(page[1] > 5, "the damage should come after some steps and a checkpoint: " + page[1]);

        flip(page[0]);
        for (int start = 0; start < 2; start++) {
            UserError error = assertThrows(UserError.class, () -> run(config("damaged")));
            assertEquals(2, error.exitCode().status());
            assertTrue(error.getMessage().startsWith(file + ": tokens "), error.getMessage());
            assertEquals(1, error.getMessage().lines().count(), error.getMessage());
            List<String> seen = losses("damaged");
            assertTrue(seen.size() < page[1], seen.size() + " steps, the damage is in " + page[1]);
            assertEquals(losses("straight").subList(0, seen.size()), seen);
        }

        flip(page[0]);
        assertEquals(Outcome.FINISHED, run(config("damaged")));
        assertEquals(losses("straight"), losses("damaged"));
        try (CheckpointStore a = CheckpointStore.open(folder.resolve("straight/checkpoints")); CheckpointStore b = CheckpointStore.open(folder.resolve("damaged/checkpoints"))) {
            Checkpoint whole = a.openNewest();
            Checkpoint mended = b.openNewest();
            for (String name : whole.tensorNames()) {
                assertArrayEquals(TrainerTest.bytes(whole, name), TrainerTest.bytes(mended, name), name);
            }
        }
    }

    @Test
    void whoWantsAWarningOrNothingTrainsOnWhatIsThere() throws IOException {
        flip(lastPage(config("plain"))[0]);
        assertEquals(Outcome.FINISHED, run(config("plain", "data.verify=none")));
        assertEquals(Outcome.FINISHED, run(config("warned", "data.verify=warn")));
        assertEquals(losses("plain"), losses("warned"));
    }

    @Test
    void anotherShardOfTheSameSizeIsRefusedAtTheFirstStep() throws IOException {
        Path other = folder.resolve("other");
        RandomShards.main(new String[] {other.toString(), "95", "2000000"});
        for (String kind : List.of("tokens", "documents", "sums")) {
            Path mine = shards.resolve("train-00000." + kind + ".arrow");
            Path theirs = other.resolve("train-00000." + kind + ".arrow");
            assertEquals(Files.size(mine), Files.size(theirs));
            Files.copy(theirs, mine, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        }
        UserError error = assertThrows(UserError.class, () -> run(config("other-run")));
        assertEquals(2, error.exitCode().status());
        assertTrue(error.getMessage().startsWith(shards.resolve("train-00000.sums.arrow") + ": has the checksum "), error.getMessage());
    }
}
