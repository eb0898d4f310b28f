package org.longhaul.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.config.ConfigLoader;
import org.longhaul.config.ConfigReference;
import org.longhaul.config.ConfigReference.Root;
import org.longhaul.config.ConfigWriter;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;

/**
 * Configurations drawn from seeds, of every kind of file: valid ones are written and read back equal, spoilt ones are refused line by line.
 * {@code -Dlonghaul.fuzz.configs=20000} draws more, {@code -Dlonghaul.fuzz.seed=N} begins elsewhere.
 */
class ConfigFuzzTest {
    private static final int CONFIGS = Integer.getInteger("longhaul.fuzz.configs", 25);
    private static final long SEED = Long.getLong("longhaul.fuzz.seed", 1);
    private static final YAMLMapper YAML = new YAMLMapper();
    /** What people write into the wrong place, and what overflows. */
    private static final List<String> VALUES = List.of(
            "-1", "0", "2147483647", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808", "1e400", "-1e308", "1e308", "1e-320", "1e18",
            "4e9", "65536", "1048576", "16777216", ".inf", "nan", "NaN", "", " ", "ten", "1,000", "1.5", "0x10", "10 GB", "true", "yes", "-5m", "5", "5 minutes",
            "99999999d", "P1000000D", "PT-5S", "[]", "[1, 2]", "{}", "{a: 1}", "null", "~", "/", "..", "\u0000", "${HOME}", "*", "0.1.2", "١٢٣", "1e", "+", "_");

    @TempDir
    private Path folder;

    /** A sound configuration of every kind: the first shipped one that it reads. */
    private static List<Record> sound() throws IOException {
        List<Record> sound = new ArrayList<>();
        List<Path> shipped;
        try (Stream<Path> files = Files.walk(Path.of("../configs"))) {
            shipped = files.filter(f -> f.toString().endsWith(".yaml")).sorted(Comparator.reverseOrder()).toList();
        }
        for (ConfigReference.Provider provider : ServiceLoader.load(ConfigReference.Provider.class)) {
            for (Root root : provider.roots()) {
                sound.add(shipped.stream().flatMap(file -> read(file, root.type())).findFirst().orElseThrow(() -> new AssertionError("no example of " + root.title())));
            }
        }
        assertTrue(sound.size() >= 2, sound.toString());
        return sound;
    }

    private static Stream<Record> read(Path file, Class<?> type) {
        try {
            return Stream.of((Record) ConfigLoader.load(file, List.of(), type));
        } catch (UserError e) {
            return Stream.empty();
        }
    }

    @Test
    void whatIsWrittenIsReadBackEqual() throws IOException {
        for (Record sound : sound()) {
            for (long seed = SEED; seed < SEED + CONFIGS; seed++) {
                Record drawn = new RandomRecords(seed).vary(sound);
                String yaml = ConfigWriter.toYaml(drawn);
                Record read = ConfigLoader.parse(yaml, "written", List.of(), sound.getClass());
                assertEquals(drawn, read, "seed " + seed + "\n" + yaml);
                assertEquals(yaml, ConfigWriter.toYaml(read), "seed " + seed);
            }
        }
    }

    @Test
    void whatIsSpoiltIsRefusedLineByLine() throws IOException {
        Map<String, Integer> outcomes = new TreeMap<>();
        for (Record sound : sound()) {
            for (long seed = SEED; seed < SEED + CONFIGS; seed++) {
                SplittableRandom random = new SplittableRandom(seed);
                String yaml = ConfigWriter.toYaml(new RandomRecords(seed).vary(sound));
                for (int n = 0; n < 10; n++) {
                    String spoilt = random.nextInt(3) == 0 ? letters(yaml, random) : tree(yaml, random);
                    Path file = Files.writeString(folder.resolve("spoilt.yaml"), spoilt);
                    outcomes.merge(load(file, sound.getClass(), "seed " + seed + "." + n + "\n" + spoilt), 1, Integer::sum);
                    Files.delete(file);
                }
            }
        }
        System.out.println("spoilt configurations: " + outcomes);
        assertTrue(outcomes.get("refused") > 5 * CONFIGS, outcomes.toString());
    }

    /** Whatever passes the reader is planned, or refused in a line: no overflow, no trace, no run that starts. */
    @Test
    void absurdTrainingJobsArePlannedOrRefused() throws IOException {
        Record sound = sound().stream().filter(r -> r.getClass().getSimpleName().equals("TrainConfig")).findFirst().orElseThrow();
        Map<String, Integer> outcomes = new TreeMap<>();
        for (long seed = SEED; seed < SEED + CONFIGS; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            List<String> keys = new ArrayList<>();
            String yaml = ConfigWriter.toYaml(seed % 2 == 0 ? new RandomRecords(seed).vary(sound) : sound);
            leaves(YAML.readTree(yaml), "", keys);
            List<String> words = new ArrayList<>(List.of(random.nextInt(6) == 0 ? "train" : "plan", folder.resolve("job.yaml").toString()));
            for (int n = random.nextInt(4); n > 0; n--) {
                words.add(keys.get(random.nextInt(keys.size())) + "=" + VALUES.get(random.nextInt(VALUES.size())));
            }
            Files.writeString(folder.resolve("job.yaml"), yaml);
            outcomes.merge(command(words, "seed " + seed + " " + words + "\n" + yaml), 1, Integer::sum);
        }
        System.out.println("absurd jobs: " + outcomes);
    }

    private static String command(List<String> words, String what) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int status = Main.run(ServiceLoader.load(CommandProvider.class), words.toArray(String[]::new), new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8));
        String said = err.toString(StandardCharsets.UTF_8);
        if (status == 0) {
            assertEquals("plan", words.get(0), "a run started: " + what);
            String numbers = out.toString(StandardCharsets.UTF_8);
            assertFalse(numbers.matches("(?s).*(NaN|Infinity|[ (]-[0-9]).*"), what + "\n" + numbers);
            return "planned";
        }
        assertEquals(2, status, what + "\n" + said);
        clear(said, what);
        return "refused";
    }

    private static String load(Path file, Class<? extends Record> type, String what) {
        long start = System.nanoTime();
        try {
            Record read = ConfigLoader.load(file, List.of(), type);
            assertEquals(read, ConfigLoader.parse(ConfigWriter.toYaml(read), "written", List.of(), type), what);
            return "accepted";
        } catch (UserError e) {
            assertEquals(ExitCode.BAD_INPUT, e.exitCode(), what);
            clear(e.getMessage(), what);
            e.getMessage().lines().forEach(line -> assertTrue(line.startsWith(file.toString()), line + "\n" + what));
            return "refused";
        } catch (RuntimeException | Error e) {
            throw new AssertionError(e + "\n" + what, e);
        }
    }

    private static void clear(String message, String what) {
        assertFalse(message.isBlank(), what);
        for (String line : message.split("\n", -1)) {
            boolean odd = line.contains("Exception") || line.contains("java.") || line.contains("internal error") || line.contains("\tat ") || line.length() > 900
                    // A star in front of the word null names an alias of that name, which the reader rightly says.
                    || line.endsWith("null") && !line.endsWith("alias null");
            assertFalse(odd, "'" + line + "' is not clear\n" + what);
        }
    }

    /** One value or key of the tree is another. */
    private static String tree(String yaml, SplittableRandom random) throws IOException {
        JsonNode root = YAML.readTree(yaml);
        List<ObjectNode> sections = new ArrayList<>();
        collect(root, sections);
        ObjectNode section = sections.get(random.nextInt(sections.size()));
        List<String> names = new ArrayList<>();
        section.fieldNames().forEachRemaining(names::add);
        if (names.isEmpty()) {
            section.put("anything", 1);
            return YAML.writeValueAsString(root);
        }
        String name = names.get(random.nextInt(names.size()));
        JsonNode value = section.get(name);
        switch (random.nextInt(7)) {
            case 0 -> section.remove(name);
            case 1 -> {
                section.remove(name);
                section.set(typo(name, random), value);
            }
            case 2 -> section.set(name, section.arrayNode().add(value));
            case 3 -> section.set(name, section.objectNode().set(name, value));
            default -> section.set(name, new TextNode(VALUES.get(random.nextInt(VALUES.size()))));
        }
        return YAML.writeValueAsString(root);
    }

    private static String typo(String name, SplittableRandom random) {
        int at = random.nextInt(name.length());
        return switch (random.nextInt(3)) {
            case 0 -> name.substring(0, at) + name.substring(at + 1) + (name.length() == 1 ? "x" : "");
            case 1 -> name.substring(0, at) + (char) ('a' + random.nextInt(26)) + name.substring(at);
            default -> name.toUpperCase(java.util.Locale.ROOT);
        };
    }

    private static void collect(JsonNode node, List<ObjectNode> sections) {
        if (node instanceof ObjectNode section) {
            sections.add(section);
        }
        if (node instanceof ObjectNode || node instanceof ArrayNode) {
            node.forEach(child -> collect(child, sections));
        }
    }

    private static void leaves(JsonNode node, String path, List<String> keys) {
        node.fields().forEachRemaining(field -> {
            String key = path.isEmpty() ? field.getKey() : path + "." + field.getKey();
            if (field.getValue() instanceof ObjectNode section && !section.isEmpty()) {
                leaves(section, key, keys);
            } else {
                keys.add(key);
            }
        });
    }

    /** Letters are lost, doubled, or others. */
    private static String letters(String yaml, SplittableRandom random) {
        int at = random.nextInt(yaml.length());
        String odd = Optional.of("\t:-#{}[]&*!|>'\"%@`\n\u0000\u00a0 ").map(s -> String.valueOf(s.charAt(random.nextInt(s.length())))).get();
        return switch (random.nextInt(5)) {
            case 0 -> yaml.substring(0, at);
            case 1 -> yaml.substring(0, at) + odd + yaml.substring(at);
            case 2 -> yaml.substring(0, at) + yaml.substring(at + 1);
            case 3 -> {
                List<String> lines = new ArrayList<>(yaml.lines().toList());
                lines.add(random.nextInt(lines.size()), lines.get(random.nextInt(lines.size())));
                yield String.join("\n", lines) + "\n";
            }
            default -> {
                List<String> lines = new ArrayList<>(yaml.lines().toList());
                int one = random.nextInt(lines.size());
                lines.set(one, Stream.of(" " + lines.get(one), lines.get(one).strip(), "\t" + lines.get(one)).toList().get(random.nextInt(3)));
                yield String.join("\n", lines) + "\n";
            }
        };
    }
}
