package org.longhaul.config;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.longhaul.config.Samples.Color;
import org.longhaul.config.Samples.Cosine;
import org.longhaul.config.Samples.Job;
import org.longhaul.config.Samples.MultiStep;
import org.longhaul.config.Samples.Optimizer;
import org.longhaul.config.Samples.Source;

class ConfigWriterTest {
    private static final String[] AWKWARD = {"no", "Yes", "null", "~", "", " ", "1", "1e3", "a: b", "a #b", "- x", "[x", "{", "\"q\"", "'", "\\", "\n", "tab\t",
        "x ", " x", "é", "中文", "😀", "\u0000", "\u007f", "\u2028", "\ufeff", "%d", "@a", "`", "a,b", "...", "---", "=", "!", "&a", "*a", "a:", "?", "0x1F", ".inf", "\ud800", "\uffff", "\r\n"};

    @Test
    void isReadableYaml() {
        Job job = new Job("a b", 10, 2L, 1e-5, true, Color.DARK_BLUE, Path.of("runs/x"), Duration.ofSeconds(5400), Optional.empty(), List.of("en", "no"),
                Map.of("b", 1.0, "a", 2.0), new Optimizer(0.1, 0.9), new MultiStep(List.of(0.8)), List.of(new Source(Path.of("p"), 1), new Source(Path.of("q"), 2)));
        assertEquals("""
                name: a b
                steps: 10
                tokens: 2
                rate: 1e-5
                verbose: true
                color: dark_blue
                out: runs/x
                pause: 1h30m
                tag: null
                languages: [en, "no"]
                weights:
                  a: 2.0
                  b: 1.0
                optimizer:
                  lr: 0.1
                  beta: 0.9
                schedule:
                  type: multi_step
                  milestones: [0.8]
                sources:
                  - path: p
                    weight: 1.0
                  - path: q
                    weight: 2.0
                """, ConfigWriter.toYaml(job));
    }

    @Test
    void theTypeOfASealedRootIsWritten() {
        String yaml = ConfigWriter.toYaml(new Cosine(0.5), Samples.Schedule.class);
        assertEquals("type: cosine\nfloor: 0.5\n", yaml);
        assertEquals(new Cosine(0.5), ConfigLoader.parse(yaml, "x", List.of(), Samples.Schedule.class));
    }

    @Test
    void whatIsWrittenReadsBackEqual() {
        for (long seed = 0; seed < 500; seed++) {
            Job job = random(new Random(seed));
            String yaml = ConfigWriter.toYaml(job);
            assertEquals(job, ConfigLoader.parse(yaml, "seed " + seed, List.of(), Job.class), "seed " + seed + "\n" + yaml);
        }
    }

    private static Job random(Random random) {
        List<String> languages = new ArrayList<>();
        Map<String, Double> weights = new TreeMap<>();
        List<Source> sources = new ArrayList<>();
        for (int i = random.nextInt(40); i > 0; i--) {
            languages.add(text(random));
        }
        for (int i = random.nextInt(4); i > 0; i--) {
            weights.put(text(random), Math.scalb(random.nextDouble(), random.nextInt(200) - 100));
            sources.add(new Source(Path.of("p" + text(random).replace("\u0000", "")), random.nextInt(9)));
        }
        Color color = Color.values()[random.nextInt(3)];
        return new Job(text(random), 1 + random.nextInt(1 << 30), random.nextLong(), random.nextGaussian(), random.nextBoolean(), color,
                Path.of("a" + random.nextInt()), Duration.ofMillis(random.nextLong(1L << 40)), random.nextBoolean() ? Optional.empty() : Optional.of(text(random)),
                languages, weights, new Optimizer(random.nextDouble(), random.nextDouble()),
                random.nextBoolean() ? new Cosine(random.nextFloat()) : new MultiStep(List.of(random.nextDouble() * 1e20)), sources);
    }

    private static String text(Random random) {
        String first = AWKWARD[random.nextInt(AWKWARD.length)];
        // A lone surrogate is not text; it cannot come from a file.
        String text = first + (random.nextBoolean() ? "" : AWKWARD[random.nextInt(AWKWARD.length)]);
        return text.replace("\ud800", "s");
    }
}
