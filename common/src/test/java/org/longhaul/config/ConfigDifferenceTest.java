package org.longhaul.config;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.longhaul.config.Samples.Color;
import org.longhaul.config.Samples.Cosine;
import org.longhaul.config.Samples.Job;
import org.longhaul.config.Samples.MultiStep;
import org.longhaul.config.Samples.Optimizer;
import org.longhaul.config.Samples.Source;

class ConfigDifferenceTest {
    private static final Job JOB = new Job("a", 10, 2L, 1e-5, true, Color.DARK_BLUE, Path.of("runs/x"), Duration.ofSeconds(5400), Optional.empty(),
            List.of("en", "no"), Map.of("b", 1.0, "a", 2.0), new Optimizer(0.1, 0.9), new MultiStep(List.of(0.8)), List.of(new Source(Path.of("p"), 1)));

    @Test
    void namesEveryKeyThatDiffersWithBothValues() {
        Job other = new Job("a", 20, 2L, 1e-5, true, Color.DARK_BLUE, Path.of("runs/x"), Duration.ofSeconds(5400), Optional.of("t"),
                List.of("en"), Map.of("b", 1.0, "a", 3.0), new Optimizer(0.1, 0.95), new Cosine(0.5), List.of(new Source(Path.of("q"), 1)));
        assertEquals(
                List.of("steps 10 → 20", "languages.1 \"no\" → (not set)", "weights.a 2.0 → 3.0", "optimizer.beta 0.9 → 0.95",
                        "schedule.type multi_step → cosine", "schedule.milestones.0 0.8 → (not set)", "sources.0.path p → q", "tag (not set) → t",
                        "schedule.floor (not set) → 0.5"),
                ConfigDifference.between(JOB, other).stream().map(Object::toString).toList());
    }

    /** A value that stands elsewhere too is no reason to miss a change. */
    @Test
    void yamlTextsAreComparedKeyByKey() {
        assertEquals(List.of("validation.every 10 → 1", "stages.1 b → (not set)", "old 3 → (not set)"),
                ConfigDifference.between("logging: {every: 1}\nvalidation:\n  every: 10\nstages: [a, b]\nold: 3", "validation: {every: 1}\nlogging:\n  every: 1\nstages: [a]")
                        .stream().map(Object::toString).toList());
        assertEquals(List.of(), ConfigDifference.between("a: {b: 1}", "a:\n  b: 1"));
    }

    @Test
    void equalRecordsDoNotDiffer() {
        assertEquals(List.of(), ConfigDifference.between(JOB, JOB));
    }
}
