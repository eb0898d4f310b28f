package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.metrics.MetricsFile;
import org.longhaul.trust.Faults;
import org.longhaul.trust.StragglerConfig;

class RankTimesTest {
    @TempDir
    private Path folder;

    @AfterEach
    void mend() {
        System.clearProperty(Faults.PROPERTY);
    }

    @Test
    void ranksThatShareGpusAreNotCompared() {
        StragglerConfig config = new StragglerConfig(50, 1.15, 1.5, 3);
        assertEquals(new StragglerConfig(0, 1.15, 1.5, 3), RankTimes.meaningful(config, Map.of("LONGHAUL_SHARE_GPUS", "1")));
        assertEquals(config, RankTimes.meaningful(config, Map.of()));
    }

    /** The others wait for the slow rank in their collectives; only its own time grows. */
    @ParameterizedTest
    @ValueSource(strings = {"{data: 4}", "{data: 1, tensor: 2}", "{data: 2, pipeline: 2}"})
    void theRankThatSleepsIsNamedAndNobodyElse(String mesh) throws IOException {
        System.setProperty(Faults.PROPERTY, "slow=1:150");
        List<JsonNode> looks = looks(mesh, "steps=12", "ranks.straggler={every: 2, ratio: 3, looks: 3}");
        assertEquals(List.of(2, 4, 6, 8, 10, 12), looks.stream().map(l -> l.get("step").asInt()).toList());
        assertEquals(List.of("[1]"), looks.stream().map(l -> l.get("stragglers").toString()).filter(l -> !l.equals("[]")).toList(), looks.toString());
        for (JsonNode look : looks) {
            assertEquals(1, look.get("rank_compute_slowest").asInt(), look.toString());
            assertTrue(look.get("rank_compute_seconds_max").asDouble() > 0.15, look.toString());
            assertTrue(look.get("rank_waiting_seconds_max").asDouble() > 0.1, look.toString());
        }
    }

    /** Nobody has the work of the last stage, nor of a middle one where layers are uneven: the plan tells, else its own past. */
    @ParameterizedTest
    @CsvSource({"'{data: 1, pipeline: 2}', 1, 2", "'{data: 1, pipeline: 2}', 0, 2", "'{data: 1, pipeline: 3}', 1, 5"})
    void aStageThatIsSlowByItselfIsNamed(String mesh, int rank, int layers) throws IOException {
        System.setProperty(Faults.PROPERTY, "slow=" + rank + ":40");
        List<JsonNode> looks = looks(mesh, "steps=20", "model.layers=" + layers, "ranks.straggler={every: 2, ratio: 4, plan_ratio: 6, looks: 3}");
        // Once, and the others, which wait for it, never.
        List<String> named = looks.stream().map(l -> l.get("stragglers").toString()).filter(l -> !l.equals("[]")).toList();
        assertEquals(List.of("[" + rank + "]"), named, looks.toString());
    }

    @Test
    void aStageThatGetsSlowIsNamedByItsPast() throws IOException {
        System.setProperty(Faults.PROPERTY, "slow=0:40:" + 8 * 14);
        List<JsonNode> looks = looks("{data: 1, pipeline: 2}", "steps=24", "ranks.straggler={every: 2, ratio: 4, plan_ratio: 1000, looks: 3}");
        List<String> named = looks.stream().map(l -> l.get("stragglers").toString()).toList();
        assertEquals(List.of("[0]"), named.stream().filter(l -> !l.equals("[]")).toList(), named.toString());
        assertTrue(named.indexOf("[0]") >= 9, named.toString());
    }

    @Test
    void oneRankAndOffMeasureNothing() throws IOException {
        assertEquals(List.of(), looks("{data: 2}", "ranks.straggler.every=0"));
    }

    private List<JsonNode> looks(String mesh, String... more) throws IOException {
        String[] all = java.util.Arrays.copyOf(more, more.length + 1);
        all[more.length] = java.util.Arrays.stream(more).anyMatch(m -> m.startsWith("steps=")) ? "seed=1" : "steps=8";
        InProcessJob.run(folder, mesh, all);
        return MetricsFile.read(folder.resolve("metrics.jsonl")).stream().filter(l -> l.has("stragglers")).toList();
    }
}
