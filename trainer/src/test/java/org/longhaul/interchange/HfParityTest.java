package org.longhaul.interchange;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.checkpoint.CheckpointMeta;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.checkpoint.SaveKind;
import org.longhaul.tensor.DType;

/** Runs {@code scripts/parity/hf_roundtrip.py} with the Python of {@code LONGHAUL_PYTHON}, else {@code python3}. */
class HfParityTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String PYTHON = Optional.ofNullable(System.getenv("LONGHAUL_PYTHON")).orElse("python3");

    @TempDir
    Path folder;

    @BeforeAll
    static void needsTransformers() throws Exception {
        assumeTrue(run(PYTHON, "-c", "import torch, transformers").status == 0,
                PYTHON + " has no torch and transformers; set LONGHAUL_PYTHON to one that has");
    }

    @Test
    void transformersRunsAnExportOfMultiHeadAttention() throws Exception {
        exports(4, 1_000_000);
    }

    @Test
    void transformersRunsAnExportOfGroupedQueries() throws Exception {
        exports(2, 200_000);
    }

    private void exports(int kvHeads, long maxShard) throws Exception {
        Path exported = folder.resolve("export");
        try (SmallModel model = new SmallModel(SmallModel.config(kvHeads)); CheckpointStore store = CheckpointStore.open(folder.resolve("run"))) {
            model.randomise(kvHeads);
            new HfExport(model.save(store, Map.of()), DType.F32, maxShard, null).write(exported);
            List<Integer> tokens = IntStream.range(0, 24).mapToObj(i -> (i * 37 + 5) % 96).toList();
            ObjectNode expected = JSON.createObjectNode();
            expected.set("tokens", JSON.valueToTree(tokens));
            expected.set("logits", JSON.valueToTree(model.logits(tokens)));
            expected.set("greedy", JSON.valueToTree(model.greedy(tokens.subList(0, 4), 20)));
            JSON.writeValue(exported.resolve("expected.json").toFile(), expected);
        }
        Answer answer = script("check", exported.toString());
        assertEquals(0, answer.status, answer.text);
    }

    @Test
    void ourDecoderRunsWhatTransformersWrote() throws Exception {
        List<String[]> cases = List.of(new String[] {"--kv-heads", "4"}, new String[] {"--kv-heads", "1", "--shards"},
                new String[] {"--kv-heads", "2", "--tied"});
        for (String[] options : cases) {
            String name = String.join(" ", options);
            Path made = folder.resolve(name);
            List<String> arguments = new ArrayList<>(List.of("make", made.toString()));
            arguments.addAll(Arrays.asList(options));
            Answer answer = script(arguments.toArray(String[]::new));
            assertEquals(0, answer.status, answer.text);
            imports(made, name);
        }
    }

    private void imports(Path made, String name) throws IOException {
        try (HfFolder hf = HfFolder.open(made); CheckpointStore store = CheckpointStore.open(folder.resolve("imported " + name))) {
            store.write(new CheckpointMeta(0, SaveKind.PERMANENT, hf.model(), "", Map.of(), null), hf.weights(DType.F32), 2);
            assertEquals(List.of(), store.openNewest().verify());
            JsonNode expected = JSON.readTree(made.resolve("expected.json").toFile());
            List<Integer> tokens = ints(expected.get("tokens"));
            try (SmallModel model = new SmallModel(hf.model())) {
                model.load(store.openNewest());
                float[] logits = model.logits(tokens);
                double worst = 0;
                for (int i = 0; i < logits.length; i++) {
                    worst = Math.max(worst, Math.abs(logits[i] - expected.get("logits").get(i).asDouble()));
                }
                assertTrue(worst <= 1e-4, name + ": logits " + worst + " apart");
                assertEquals(ints(expected.get("greedy")), model.greedy(tokens.subList(0, 4), 20), name);
                System.out.println(name + ": logits at most " + worst + " apart");
            }
        }
    }

    private static List<Integer> ints(JsonNode array) {
        List<Integer> out = new ArrayList<>();
        array.forEach(n -> out.add(n.asInt()));
        return out;
    }

    private record Answer(int status, String text) {}

    private static Answer script(String... arguments) throws IOException, InterruptedException {
        Path script = Path.of("..", "scripts", "parity", "hf_roundtrip.py");
        List<String> command = new ArrayList<>(List.of(PYTHON, script.toString()));
        command.addAll(Arrays.asList(arguments));
        Answer answer = run(command.toArray(String[]::new));
        System.out.print(answer.text.lines().filter(l -> l.contains("max |a-b|")).map(l -> l + "\n").findFirst().orElse(""));
        return answer;
    }

    private static Answer run(String... command) throws IOException, InterruptedException {
        Process p;
        try {
            p = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException absent) {
            return new Answer(127, absent.getMessage());
        }
        String text = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Answer(p.waitFor(), text);
    }
}
