package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.batch.SampleOrder;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.metrics.MetricsFile;

/** Tokens by source are those that were read, whatever the layout, over resumes and over a new mixture. */
class MixtureTest {
    private static final String[] SETTINGS = {"steps=8", "logging.mixture_every=3", "checkpoint.retention.permanent_every=4"};

    @TempDir
    private Path folder;

    @Test
    void countsAreThoseOfTheSamplesReadUnderAnyLayout() throws IOException {
        Path run = folder.resolve("run");
        InProcessJob.run(run, "{data: 1, tensor: 2, pipeline: 2}", with("stop_after=4"));
        expect(run, 4, 0, 4);
        InProcessJob.run(run, "{data: 2}", with("stop_after=1"));
        expect(run, 5, 0, 5);
        InProcessJob.run(run, "{data: 1, pipeline: 2}", SETTINGS);
        expect(run, 8, 0, 8);

        List<JsonNode> lines = MetricsFile.read(run.resolve("metrics.jsonl")).stream().filter(l -> l.has("tokens_by_source")).toList();
        assertEquals(List.of(3, 6, 8), lines.stream().map(l -> l.get("step").asInt()).toList());
        assertEquals(counts(0, 0, 3, Sawtooth::source), map(lines.get(0).get("tokens_by_source")));
        assertEquals(counts(0, 5, 6, Sawtooth::source), map(lines.get(1).get("interval_tokens_by_source")), "since the resume");
        assertEquals(counts(0, 6, 8, Sawtooth::language), map(lines.get(2).get("interval_tokens_by_language")));
        assertEquals(0.55, lines.get(2).get("data_share_by_source").get("web").asDouble());
    }

    @Test
    void aNewStageCountsByItselfAndOn() throws IOException {
        Path trunk = folder.resolve("trunk");
        InProcessJob.run(trunk, "{data: 2}", SETTINGS);
        Path branch = folder.resolve("branch");
        InProcessJob.run(branch, "{data: 1, tensor: 2}", with("steps=6", "data.stage=1",
                "checkpoint.branch_from=" + trunk.resolve("checkpoints").resolve("step-00000004")));
        JsonNode kept = kept(branch);
        assertEquals(counts(1, 0, 2, Sawtooth::source), map(kept.get("stage").get("sources")));
        Map<String, Long> all = counts(0, 0, 4, Sawtooth::source);
        counts(1, 0, 2, Sawtooth::source).forEach((name, n) -> all.merge(name, n, Long::sum));
        assertEquals(all, map(kept.get("run").get("sources")));
    }

    private void expect(Path run, int steps, int stage, int stageSteps) {
        JsonNode kept = kept(run);
        assertEquals(counts(stage, 0, stageSteps, Sawtooth::source), map(kept.get("stage").get("sources")));
        assertEquals(counts(0, 0, steps, Sawtooth::source), map(kept.get("run").get("sources")));
        assertEquals(counts(0, 0, steps, Sawtooth::language), map(kept.get("run").get("languages")));
        assertTrue(map(kept.get("run").get("sources")).size() == 3, kept.toString());
    }

    private static JsonNode kept(Path run) {
        try (CheckpointStore store = CheckpointStore.open(run.resolve("checkpoints"))) {
            return store.openNewest().meta().state().get("mixture");
        }
    }

    /** Token by token, from the order of samples itself. */
    private Map<String, Long> counts(int stage, int fromStep, int toStep, LongFunction<String> label) {
        TrainConfig config = TrainerTest.config(folder);
        int context = config.model().context();
        SampleOrder order = new SampleOrder(new Sawtooth(40_000), context, config.seed(), stage);
        Map<String, Long> counts = new TreeMap<>();
        for (long k = (long) fromStep * config.batch().sequences(); k < (long) toStep * config.batch().sequences(); k++) {
            for (int i = 0; i < context; i++) {
                counts.merge(label.apply(order.window(k) * context + i), 1L, Long::sum);
            }
        }
        return counts;
    }

    private static Map<String, Long> map(JsonNode node) {
        Map<String, Long> map = new TreeMap<>();
        node.fields().forEachRemaining(e -> map.put(e.getKey(), e.getValue().asLong()));
        return map;
    }

    private static String[] with(String... more) {
        String[] all = java.util.Arrays.copyOf(SETTINGS, SETTINGS.length + more.length);
        System.arraycopy(more, 0, all, SETTINGS.length, more.length);
        return all;
    }
}
