package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.checkpoint.RankGroup;
import org.longhaul.metrics.MetricsFile;
import org.longhaul.parallel.MeshGroups;

/** A profile by CUDA events in the middle of a run by graphs, and the device's own word on memory. */
@Tag("gpu")
class CudaProfileTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path folder;

    private static void run(Path output, String... overrides) {
        TrainConfig config = TrainerTest.config(output, overrides);
        try (RankSetup setup = new RankSetup(RankSetup.backend(config.device()), MeshGroups.single(), RankGroup.single(), null, null, 1e15)) {
            TrainJob.run(config, TrainerTest.data(), setup, new StopRequest());
        }
    }

    @Test
    void aProfileChangesNothingAndAddsUp() throws IOException {
        String device = "device={kind: cuda, deterministic: true}";
        run(folder.resolve("plain"), device, "steps=6", "validation.every=0");
        run(folder.resolve("watched"), device, "steps=6", "validation.every=0", "profile={steps: 3-4}");
        assertEquals(TrainerTest.losses(folder.resolve("plain")), TrainerTest.losses(folder.resolve("watched")));
        TrainerTest.sameState(folder.resolve("plain"), folder.resolve("watched"));

        Path profile = folder.resolve("watched/profile");
        JsonNode page = JSON.readTree(profile.resolve("steps-3-4.rank-0.json").toFile());
        double sum = 0;
        for (JsonNode ms : page.get("ms_by_kind")) {
            assertTrue(ms.asDouble() >= -1e-3, page.toString());
            sum += ms.asDouble();
        }
        assertEquals(page.get("ms_per_step").asDouble(), sum, 1e-3 * sum);
        Set<String> names = new HashSet<>();
        for (JsonNode e : JSON.readTree(profile.resolve("steps-3-4.rank-0.trace.json").toFile()).get("traceEvents")) {
            names.add(e.get("name").asText());
            assertTrue(!e.has("dur") || e.get("dur").asDouble() >= 0, e.toString());
        }
        assertTrue(names.containsAll(List.of("forward layers.1", "backward layers.0", "backward head", "optimizer", "data", "attentionBackward")),
                names.toString());
    }

    /** A model this small says nothing about the two percent; that the driver is asked, and what is planned is there. */
    @Test
    void theDriverIsAskedForMemory() throws IOException {
        run(folder, "device={kind: cuda}", "steps=3", "validation.every=0");
        JsonNode line = MetricsFile.read(folder.resolve("metrics.jsonl")).stream().filter(l -> l.has("used_bytes")).findFirst().orElseThrow();
        assertTrue(line.get("used_bytes").asLong() > 32L << 20, line.toString());
        assertTrue(line.get("planned_bytes").asLong() > 128L << 20, line.toString());
    }
}
