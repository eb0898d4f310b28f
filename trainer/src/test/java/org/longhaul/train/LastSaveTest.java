package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.checkpoint.ThreadRanks;
import org.longhaul.error.UserError;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.tensor.Backend;

class LastSaveTest {
    @TempDir
    private Path folder;

    /** Only rank 0 failed: the launcher of another node ended with 0, and node 0's waited in vain for it to come for another attempt. */
    @Test
    void aLastSaveThatFailsEndsAllRanksAlike() throws IOException {
        // A file in the place of the last step's checkpoint.
        Files.writeString(Files.createDirectories(folder.resolve("run/checkpoints")).resolve("step-00000003"), "");
        TrainConfig config = TrainerTest.config(folder.resolve("run"), "mesh={data: 2}", "steps=3", "validation.every=0", "batch.micro_batch=1");
        List<Backend> backends = List.of(new CpuBackend(1), new CpuBackend(1));
        List<MeshGroups> groups = MeshGroups.inProcess(config.mesh(), backends, Duration.ofMinutes(2));
        TrainData data = new TrainData(new Sawtooth(40_000), Optional.empty(), 2.0, 4.0, Map.of("dataset", "sawtooth"));
        List<String> said = ThreadRanks.run(2, savers -> {
            int r = savers.rank();
            try (RankSetup setup = new RankSetup(backends.get(r), groups.get(r), savers, null, null, 0)) {
                return TrainJob.run(config, data, setup, new StopRequest()).name();
            } catch (UserError e) {
                return e.getMessage();
            }
        });
        assertTrue(said.get(0).contains("that of step 3 is lost") || said.get(0).contains("not of step 3"), said.get(0));
        assertEquals(said.get(0), said.get(1));
    }
}
