package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.config.ConfigWriter;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
import org.longhaul.launch.LaunchCheck;
import org.longhaul.launch.RankEnvironment;

/** What can be known of a job from its configuration alone is refused before anything is started, and nothing overflows on the way. */
class TrainConfigTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "model.d_model=2000000000 | d_model: must be at least 1 and at most 262144: 2000000000",
        "model.layers=2147483647 | layers: must be at least 1 and at most 4096",
        "model.vocab=2147483647 | vocab: must be at least 1 and at most 16777216",
        "model.context=2147483647 | context: must be at least 1 and at most 16777216",
        "model.norm_eps=1e-60 | norm_eps: must be above 0 in single precision: 1.0E-60",
        "model.init_std=1e300 | init_std: must be at most 100.0: 1.0E300",
        "batch.sequences=2147483647 batch.micro_batch=1 | sequences: must be at most 1048576: 2147483647",
        "batch.micro_batch=1048576 batch.sequences=1048576 model.context=65536 | batch.micro_batch × model.context must be at most 67108864 tokens: 1048576 × 65536",
        "steps=9000000000000000000 | steps: must be at most 1000000000000",
        "steps=1e12 batch.sequences=1048576 model.context=1048576 | must be below 9.2e18 tokens",
        "mesh.data=65536 mesh.tensor=65536 | must be at most 1048576 processes: 1 × 65536 × 65536",
        "mesh.data=2147483647 | must be at most 1048576 processes",
        "mesh.pipeline=65536 mesh.virtual_stages=65536 | pipeline × virtual_stages must be at most 1048576",
        "schedule.peak=1e30 | peak: must be at most 100.0",
        "schedule.peak=1e-60 | above 0 in single precision: 1.0E-60",
        "schedule.peak=20 optimizer.weight_decay=0.1 | must be below 1, or a step turns weights around: 20.0 × 0.1",
        "optimizer.beta2=0.999999999999 | must be below 1 in single precision too",
        "optimizer.epsilon=1e-60 | epsilon: must lie within single precision",
        "optimizer.clip=1e300 | clip: must be 0 or lie within single precision",
        "spikes.window=2147483647 | window: must be at most 1000000 steps",
        "logging.every=2147483647 | every: must be at most 100000 steps",
        "logging.plain_every=PT-5S | plain_every: must not be negative",
        "device.threads=1000000 | threads: must be at most 4096",
        "ranks.tensor_chunks=2147483647 | tensor_chunks: must be at most 1024",
        "ranks.stall_timeout=99999999d | stall_timeout: must be at most 36500d",
        "checkpoint.retention.ephemeral_every=1000000d | ephemeral_every: must be at most 36500d",
        "profile.steps=21-30 | must begin at the last of the steps or before: 21-30 of 20"
    })
    void absurdValuesAreRefused(String overrides, String why) {
        UserError e = assertThrows(UserError.class, () -> TrainerTest.config(folder, overrides.split(" ")));
        assertEquals(ExitCode.BAD_INPUT, e.exitCode());
        assertEquals(1, e.getMessage().lines().count(), e.getMessage());
        assertTrue(e.getMessage().contains(why), e.getMessage());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "3 | {tensor: 3} | heads must be a multiple of the tensor-parallel size 3: 4",
        "3 | {pipeline: 3} | pipeline stages must not outnumber layers: 3 for 2 layers",
        "3 | {} | batch.sequences must be a multiple of micro_batch × data-parallel ranks: 8 for 4 × 3; 12 would do",
        "2 | {tensor: 4} | needs 4 processes, 2 run; change mesh, or start with longhaul launch --nproc",
        "65536 | {} | batch.sequences must be a multiple of micro_batch × data-parallel ranks: 8 for 4 × 65536; 262144 would do"
    })
    void aMeshThatDoesNotFitIsSaidBeforeDataAreReadAndRanksMeet(int processes, String mesh, String why) throws IOException {
        TrainConfig config = TrainerTest.config(folder.resolve("run"), "mesh=" + mesh);
        // Nobody serves a rendezvous, and there are no data.
        RankEnvironment self = new RankEnvironment(1, processes, 1, processes, "127.0.0.1", 1, "job", false, 0);
        UserError e = assertThrows(UserError.class, () -> TrainJob.run(config, self));
        assertEquals(ExitCode.BAD_INPUT, e.exitCode());
        assertTrue(e.getMessage().contains(why), e.getMessage());

        Path file = Files.writeString(folder.resolve("job.yaml"), ConfigWriter.toYaml(config));
        UserError launched = assertThrows(UserError.class, () -> check(List.of("train", file.toString()), processes));
        assertEquals(e.getMessage(), launched.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"mesh.tensr=2", "steps=0"})
    void theLauncherSaysOnceWhatIsWrong(String override) throws IOException {
        Path file = Files.writeString(folder.resolve("job.yaml"), ConfigWriter.toYaml(TrainerTest.config(folder)));
        assertThrows(UserError.class, () -> check(List.of("train", file.toString(), override), 1));
    }

    @Test
    void commandsThatFitAndOtherCommandsPass() throws IOException {
        Path file = Files.writeString(folder.resolve("job.yaml"), ConfigWriter.toYaml(TrainerTest.config(folder)));
        check(List.of("train", file.toString(), "mesh.tensor=2"), 4);
        check(List.of("train", "--help"), 4);
        check(List.of("train"), 4);
        check(List.of("bench", "ranks", "nowhere.yaml"), 4);
    }

    private static void check(List<String> command, int processes) {
        List<LaunchCheck> checks = new ArrayList<>();
        ServiceLoader.load(LaunchCheck.class).forEach(checks::add);
        assertEquals(1, checks.size());
        checks.forEach(c -> c.require(command, processes));
    }
}
