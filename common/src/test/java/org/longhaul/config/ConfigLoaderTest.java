package org.longhaul.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.longhaul.config.Samples.Color;
import org.longhaul.config.Samples.Cosine;
import org.longhaul.config.Samples.Job;
import org.longhaul.config.Samples.MultiStep;
import org.longhaul.config.Samples.Optimizer;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;

class ConfigLoaderTest {
    @TempDir Path folder;

    private Path file(String name, String... lines) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, String.join("\n", lines) + "\n");
    }

    private Job load(String... lines) throws IOException {
        return ConfigLoader.load(file("job.yaml", lines), List.of(), Job.class);
    }

    /** The fault lines with the temporary folder taken away. */
    private List<String> faults(List<String> overrides, String... lines) throws IOException {
        Path file = file("job.yaml", lines);
        UserError error = assertThrows(UserError.class, () -> ConfigLoader.load(file, overrides, Job.class));
        assertEquals(ExitCode.BAD_INPUT, error.exitCode());
        return error.getMessage().replace(folder + "/", "").lines().toList();
    }

    @Test
    void everyTypeIsBound() throws IOException {
        Job job = load("name: no", "steps: 1_000_000", "tokens: 2e12", "rate: 1e-3", "verbose: true", "color: dark_blue", "out: runs/a",
                "pause: 1h30m", "tag: x", "languages: [en, no, 12]", "weights: {a: 1, 'b c': 0.5}", "optimizer:", "  lr: 4.2e-4",
                "schedule:", "  type: multi_step", "  milestones: [0.8, 0.9]", "sources:", "  - path: one", "    weight: 2", "  - {path: two}");
        assertEquals("no", job.name());
        assertEquals(1_000_000, job.steps());
        assertEquals(2_000_000_000_000L, job.tokens());
        assertEquals(1e-3, job.rate());
        assertTrue(job.verbose());
        assertEquals(Color.DARK_BLUE, job.color());
        assertEquals(Path.of("runs/a"), job.out());
        assertEquals(Duration.ofMinutes(90), job.pause());
        assertEquals(Optional.of("x"), job.tag());
        assertEquals(List.of("en", "no", "12"), job.languages());
        assertEquals(Map.of("a", 1.0, "b c", 0.5), job.weights());
        assertEquals(4.2e-4, job.optimizer().lr());
        assertEquals(new MultiStep(List.of(0.8, 0.9)), job.schedule());
        assertEquals(List.of(new Samples.Source(Path.of("one"), 2), new Samples.Source(Path.of("two"), 1)), job.sources());
    }

    @Test
    void leftOutKeysTakeTheirDefaults() throws IOException {
        Job job = load("name: a", "out: b");
        assertEquals(new Job("a", 10, 0L, 0.5, false, Color.RED, Path.of("b"), Duration.ofSeconds(30), Optional.empty(), List.of("en"),
                Map.of(), new Optimizer(1e-4, 0.9), new Cosine(0.1), List.of()), job);
    }

    @Test
    void emptySectionMeansItsDefaultsAndNullMeansNotSet() throws IOException {
        Job job = load("name: a", "out: b", "optimizer:", "tag: ~", "schedule: cosine");
        assertEquals(new Optimizer(1e-4, 0.9), job.optimizer());
        assertEquals(Optional.empty(), job.tag());
        assertEquals(new Cosine(0.1), job.schedule());
    }

    @Test
    void allFaultsAreReportedTogetherWithTheirLines() throws IOException {
        assertEquals(List.of(
                "job.yaml:1: out: missing; give it (path)",
                "job.yaml:2: stesp: unknown key; did you mean 'steps'?",
                "job.yaml:3: rate: must be a number, found 'fast'",
                "job.yaml:5: optimizer.momentum: unknown key; known in 'optimizer': lr, beta",
                "job.yaml:6: optimizer.beta: must be below 1: 2.0",
                "job.yaml:7: lr: unknown key; it belongs at 'optimizer.lr'"),
                faults(List.of(), "name: a", "stesp: 3", "rate: fast", "optimizer:", "  momentum: 0.9", "  beta: 2", "lr: 1"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "steps: 1.5 | steps: must be a whole number, found '1.5'",
        "steps: 3000000000 | steps: must lie between -2147483648 and 2147483647, found '3000000000'",
        "steps: 1e999 | steps: must be a whole number, found '1e999'",
        "steps: [1] | steps: must be one value (whole number), found a list",
        "steps: | steps: has no value; give one (whole number) or remove the line",
        "steps: -3 | steps: must be positive: -3",
        "tokens: 99999999999999999999 | tokens: must be a whole number, found '99999999999999999999'",
        "rate: .nan | rate: must be a number, found '.nan'",
        "rate: 0,003 | rate: must be a number, found '0,003'; decimals begin with a point",
        "optimizer: {beta: 0,95} | optimizer.95: unknown key; it looks like the rest of a number with a decimal comma: decimals begin with a point",
        "rate: 1__ | rate: must be a number, found '1__'",
        "verbose: yes | verbose: must be true or false, found 'yes'",
        "color: grean | color: must be one of red, green, dark_blue, found 'grean'; did you mean 'green'?",
        "out: s3a://bucket/x | out: must be a path of the local file system, found the address 's3a://bucket/x'",
        "pause: 5 | pause: needs a unit, such as 5s, found '5'",
        "pause: soon | pause: must be a duration such as 500ms, 90s, 5m, 1h30m or 2d, found 'soon'",
        "languages: en | languages: must be a list, found the single value 'en'; write [en]",
        "languages: [en, [fr]] | languages[1]: must be one value (text), found a list",
        "weights: [1] | weights: must be a section of name: value lines, found a list",
        "weights: {a: b} | weights.a: must be a number, found 'b'",
        "optimizer: 3 | optimizer: must be a section of keys, found the single value '3'",
        "optimizer: {lr: 41} | optimizer.lr: must not exceed 4 * steps: 41.0",
        "schedule: {min: 1} | schedule: needs 'type:', one of cosine, multi_step",
        "schedule: {type: cosin} | schedule.type: must be one of cosine, multi_step, found 'cosin'; did you mean 'cosine'?",
        "schedule: {type: multi_step} | schedule.milestones: missing; give it (list of number)",
        "schedule: {type: cosine, milestones: [1]} | schedule.milestones: unknown key; it belongs at 'schedule.milestones'",
        "sources: [{weight: 1}] | sources[0].path: missing; give it (path)",
        "sources: [{path: a, weight: -1}] | sources[0].weight: must not be negative: -1.0",
        "<<: {a: 1} | '<<' is not supported; put the shared keys into a file of their own and 'include:' it",
    })
    void eachKindOfFaultIsNamed(String line, String fault) throws IOException {
        String[] lines = line.startsWith("out:") ? new String[] {"name: a", line} : new String[] {"name: a", line, "out: b"};
        assertEquals(List.of("job.yaml:2: " + fault), faults(List.of(), lines));
    }

    @Test
    void namesWithLineBreaksStayOnOneLine() throws IOException {
        assertEquals(List.of("job.yaml:3: weights.a\\nb\\u2028: must be a number, found 'x\\ty'"),
                faults(List.of(), "name: a", "out: b", "weights: {\"a\\nb\\u2028\": \"x\\ty\"}"));
    }

    @Test
    void aQuotedNameIsOnlyAName() throws IOException {
        assertEquals(Map.of("<<", 1.0), load("name: a", "out: b", "weights: {'<<': 1}").weights());
    }

    @Test
    void duplicateKeysNameBothLines() throws IOException {
        assertEquals(List.of("job.yaml:4: optimizer.lr: given twice, first in line 3; keep one", "job.yaml:5: outt: unknown key; did you mean 'out'?"),
                faults(List.of(), "name: a", "optimizer:", "  lr: 1", "  lr: 2", "outt: b", "out: c"));
    }

    @Test
    void brokenYamlNamesTheLine() throws IOException {
        List<String> faults = faults(List.of(), "name: a", "optimizer: [1, 2", "out: b");
        assertEquals(1, faults.size());
        assertTrue(faults.get(0).startsWith("job.yaml:3: not valid YAML: "), faults.get(0));
        assertTrue(faults(List.of(), "name: a", "\tsteps: 1").get(0).startsWith("job.yaml:2: not valid YAML: "));
        assertEquals("job.yaml:3: a second YAML document begins here; keep one document in a file", faults(List.of(), "name: a", "---", "out: b").get(1));
        assertEquals(List.of("job.yaml:1: must hold 'key: value' lines, found a list"), faults(List.of(), "- a"));
        assertTrue(faults(List.of(), "sources: &x {a: *x}").contains("job.yaml:1: sources.a: an anchor contains itself"));
    }

    @Test
    void unreadableFilesAreNamed() throws IOException {
        file("train.yaml", "name: a");
        UserError missing = assertThrows(UserError.class, () -> ConfigLoader.load(folder.resolve("trian.yaml"), List.of(), Job.class));
        assertEquals(folder.resolve("trian.yaml") + ": no such file; did you mean 'train.yaml'?", missing.getMessage());
        UserError directory = assertThrows(UserError.class, () -> ConfigLoader.load(folder, List.of(), Job.class));
        assertEquals(folder + ": is a folder, a YAML file is expected", directory.getMessage());
        Path binary = Files.write(folder.resolve("bad.yaml"), new byte[] {'a', ':', ' ', (byte) 0xff});
        UserError encoding = assertThrows(UserError.class, () -> ConfigLoader.load(binary, List.of(), Job.class));
        assertEquals(binary + ": is not UTF-8 text; save it as UTF-8", encoding.getMessage());
    }

    @Test
    void includesAreMergedDeeplyAndTheIncluderWins() throws IOException {
        file("base/a.yaml", "name: from-a", "steps: 1", "optimizer: {lr: 0.1, beta: 0.5}", "languages: [a, b]", "include: deeper.yaml");
        file("base/deeper.yaml", "out: deep", "name: deep");
        file("b.yaml", "steps: 2", "schedule: {type: cosine, floor: 0.3}");
        Job job = load("include: [base/a.yaml, b.yaml]", "optimizer: {lr: 0.2}", "languages: [c]", "schedule: {type: multi_step, milestones: [1]}");
        assertEquals("from-a", job.name());
        assertEquals(Path.of("deep"), job.out());
        assertEquals(2, job.steps());
        assertEquals(new Optimizer(0.2, 0.5), job.optimizer());
        assertEquals(List.of("c"), job.languages());
        assertEquals(new MultiStep(List.of(1.0)), job.schedule());
    }

    @Test
    void faultsInIncludedFilesNameThatFile() throws IOException {
        file("base.yaml", "name: a", "steps: x");
        assertEquals(List.of("base.yaml:2: steps: must be a whole number, found 'x'"), faults(List.of(), "include: base.yaml", "out: b"));
        file("circle.yaml", "include: job.yaml");
        assertEquals(List.of("circle.yaml:1: include: 'job.yaml' includes itself in a circle; remove one of the includes"),
                faults(List.of(), "include: circle.yaml"));
        assertEquals(List.of("job.yaml:2: include: no such file: bas.yaml; did you mean 'base.yaml'?"), faults(List.of(), "name: x", "include: bas.yaml"));
        assertEquals(List.of("job.yaml:1: include: must be a file name or a list of file names, found a section of keys"), faults(List.of(), "include: {a: b}"));
    }

    @Test
    void theSameFileMayBeIncludedTwiceOnDifferentWays() throws IOException {
        file("common.yaml", "name: c");
        file("x.yaml", "include: common.yaml", "steps: 4");
        file("y.yaml", "include: common.yaml", "out: y");
        assertEquals("c", load("include: [x.yaml, y.yaml]").name());
    }

    @Test
    void overridesWinAndAreBoundLikeTheFile() throws IOException {
        Path file = file("job.yaml", "name: a", "out: b", "sources: [{path: one}, {path: two}]", "optimizer: {lr: 1}");
        Job job = ConfigLoader.load(file, List.of("name=x=y z: {", "steps=1e2", "optimizer.beta=0.25", "languages=[fr, 'de']", "sources.1.weight=7",
                "schedule.type=multi_step", "schedule.milestones=[0.5]", "weights.q=3", "color=green", "tag=\"\""), Job.class);
        assertEquals("x=y z: {", job.name());
        assertEquals(100, job.steps());
        assertEquals(new Optimizer(1, 0.25), job.optimizer());
        assertEquals(List.of("fr", "de"), job.languages());
        assertEquals(7, job.sources().get(1).weight());
        assertEquals(new MultiStep(List.of(0.5)), job.schedule());
        assertEquals(Map.of("q", 3.0), job.weights());
        assertEquals(Color.GREEN, job.color());
        assertEquals(Optional.of(""), job.tag());
    }

    @Test
    void overridesMergeIntoSectionsAndCanReplaceAList() throws IOException {
        Path file = file("job.yaml", "name: a", "out: b", "optimizer: {lr: 1}");
        assertEquals(new Optimizer(1, 0.5), ConfigLoader.load(file, List.of("optimizer={beta: 0.5}"), Job.class).optimizer());
        assertEquals(List.of(), ConfigLoader.load(file, List.of("languages=[]"), Job.class).languages());
    }

    @Test
    void wrongOverridesAreNamed() throws IOException {
        List<String> faults = faults(List.of("steps", "=3", "a..b=1", "optimiser.lr=1", "name.x=1", "sources.3.path=1", "sources.x=1", "steps=ten"),
                "name: a", "out: b", "sources: [{path: p}]");
        assertEquals(List.of(
                "command line: 'steps' is not of the form key=value",
                "command line: '=3' is not of the form key=value",
                "command line: 'a..b=1' has an empty part in its key",
                "command line: name.x: 'name' is the single value 'a', it has no keys below it",
                "command line: sources.3: the list has items 0 to 0, not '3'",
                "command line: sources.x: the list has items 0 to 0, not 'x'",
                "command line: optimiser: unknown key; did you mean 'optimizer'?",
                "command line: steps: must be a whole number, found 'ten'"), faults);
        List<String> broken = faults(List.of("languages=[a"), "name: a", "out: b");
        assertTrue(broken.size() == 1 && broken.get(0).startsWith("command line: languages: not valid YAML: "), broken.toString());
    }

    @Test
    void aDefectiveDefaultIsAProgrammersErrorNotAUsers() throws IOException {
        Path file = file("x.yaml", "");
        IllegalStateException error = assertThrows(IllegalStateException.class, () -> ConfigLoader.load(file, List.of(), Samples.BadDefault.class));
        assertTrue(error.getMessage().contains("@Default of " + Samples.BadDefault.class.getName() + ".count"), error.getMessage());
    }

    @Test
    void yamlWithoutAFileIsBoundToo() {
        assertEquals(new Optimizer(3, 0.9), ConfigLoader.parse("lr: 1", "checkpoint", List.of("lr=3"), Optimizer.class));
        assertEquals(new Optimizer(1e-4, 0.9), ConfigLoader.parse("{}", "checkpoint", List.of(), Optimizer.class));
        UserError error = assertThrows(UserError.class, () -> ConfigLoader.parse("[1]", "checkpoint", List.of(), Optimizer.class));
        assertEquals("checkpoint: must hold 'key: value' lines, found a list", error.getMessage());
    }
}
