package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.metrics.MetricsFile;
import org.longhaul.trust.Faults;

class RankTimesTest {
    @TempDir
    private Path folder;

    @AfterEach
    void mend() {
        System.clearProperty(Faults.PROPERTY);
    }

    /** The others wait for the slow rank in their collectives; only its own time grows. */
    @ParameterizedTest
    @ValueSource(strings = {"{data: 4}", "{data: 1, tensor: 2}", "{data: 2, pipeline: 2}"})
    void theRankThatSleepsIsNamedAndNobodyElse(String mesh) throws IOException {
        System.setProperty(Faults.PROPERTY, "slow=1:40");
        List<JsonNode> looks = looks(mesh, "ranks.straggler={every: 2, ratio: 3, looks: 3}");
        assertEquals(List.of(2, 4, 6, 8), looks.stream().map(l -> l.get("step").asInt()).toList());
        assertEquals(List.of("[]", "[]", "[1]", "[]"), looks.stream().map(l -> l.get("stragglers").toString()).toList(), looks.toString());
        for (JsonNode look : looks) {
            assertEquals(1, look.get("rank_compute_slowest").asInt(), look.toString());
            assertTrue(look.get("rank_compute_seconds_max").asDouble() > 0.04, look.toString());
            assertTrue(look.get("rank_waiting_seconds_max").asDouble() > 0.03, look.toString());
        }
    }

    @Test
    void oneRankAndOffMeasureNothing() throws IOException {
        assertEquals(List.of(), looks("{data: 2}", "ranks.straggler.every=0"));
    }

    private List<JsonNode> looks(String mesh, String... more) throws IOException {
        String[] all = java.util.Arrays.copyOf(more, more.length + 1);
        all[more.length] = "steps=8";
        InProcessJob.run(folder, mesh, all);
        return MetricsFile.read(folder.resolve("metrics.jsonl")).stream().filter(l -> l.has("stragglers")).toList();
    }
}
