package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.error.UserError;

/** What a profiled training job writes. */
class ProfileTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path folder;

    @Test
    void oneRank() throws IOException {
        TrainerTest.run(TrainerTest.config(folder, "steps=6", "profile={steps: 3-4}", "validation.every=0",
                "checkpoint.retention.permanent_every=4"));
        TrainerTest.run(TrainerTest.config(folder.resolve("plain"), "steps=6", "validation.every=0"));
        assertEquals(TrainerTest.losses(folder.resolve("plain")), TrainerTest.losses(folder));
        assertFalse(Files.exists(folder.resolve("plain/profile")));

        Path profile = folder.resolve("profile");
        List<JsonNode> events = trace(profile.resolve("steps-3-4.rank-0.trace.json"));
        Set<String> names = events.stream().map(e -> e.get("name").asText()).collect(Collectors.toSet());
        for (String name : List.of("data", "forward of micro-batch 1", "forward embedding", "forward layers.1", "backward of micro-batch 0",
                "backward head", "backward layers.0", "backward embedding", "norm and clip", "optimizer", "checkpoint staging", "linear",
                "attentionBackward", "adamW")) {
            assertTrue(names.contains(name), name + " is missing among " + names);
        }
        // Two steps of two micro-batches, on the host and on the device.
        assertEquals(2 * 4, events.stream().filter(e -> e.get("name").asText().startsWith("backward of micro-batch")).count());
        nested(events);
        JsonNode page = adds(profile.resolve("steps-3-4.rank-0.json"));
        assertEquals(2, page.get("steps").asInt());
        assertEquals(1e3 * 256 / page.get("ms_per_step").asDouble(), page.get("tokens_per_second").asDouble(), 1e-6);
        assertEquals(0, page.get("communication_ms").asDouble());
        String text = Files.readString(profile.resolve("steps-3-4.rank-0.txt"));
        assertTrue(text.contains("matrix products") && text.contains("idle") && text.contains("forward layers.*"), text);
    }

    /** Reductions, gathers and pipeline messages appear with their streams on every rank. */
    @ParameterizedTest
    @ValueSource(strings = {"{pipeline: 2, data: 2, tensor: 1}", "{pipeline: 1, data: 1, tensor: 2}"})
    void severalRanks(String mesh) throws IOException {
        InProcessJob.run(folder, mesh, "steps=3", "profile={steps: '2', dir: " + folder.resolve("out") + "}");
        boolean pipelined = mesh.contains("pipeline: 2");
        int ranks = pipelined ? 4 : 2;
        Map<Integer, Set<String>> names = new TreeMap<>();
        for (int r = 0; r < ranks; r++) {
            List<JsonNode> events = trace(folder.resolve("out/step-2.rank-" + r + ".trace.json"));
            nested(events);
            JsonNode page = adds(folder.resolve("out/step-2.rank-" + r + ".json"));
            assertTrue(page.get("communication_ms").asDouble() > 0, page.toString());
            names.put(r, events.stream().filter(e -> e.get("cat").asText().equals("communication"))
                    .map(e -> e.get("name").asText().replaceAll(", .*", "")).collect(Collectors.toSet()));
        }
        for (int r = 0; r < ranks; r++) {
            assertTrue(names.get(r).containsAll(pipelined ? Set.of("send", "receive", "reduce", "gather", "all-reduce") : Set.of("reduce", "gather")),
                    "rank " + r + " has " + names.get(r));
        }
    }

    @Test
    void aFolderThatCannotBeMadeIsSaidBeforeTheFirstStep() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "in the way");
        UserError e = assertThrows(UserError.class,
                () -> TrainerTest.run(TrainerTest.config(folder.resolve("run"), "profile={steps: '3', dir: " + file.resolve("profile") + "}")));
        assertTrue(e.getMessage().startsWith("profile.dir: no folder can be made at " + file.resolve("profile")), e.getMessage());
        assertFalse(Files.exists(folder.resolve("run/metrics.jsonl")));
    }

    /** What cannot be written in the end costs the page, not the run. */
    @Test
    void aPageThatCannotBeWrittenDoesNotEndTheRun() throws IOException {
        Files.createDirectories(folder.resolve("out/step-3.rank-0.txt"));
        assertEquals(Trainer.Outcome.FINISHED,
                TrainerTest.run(TrainerTest.config(folder.resolve("run"), "profile={steps: '3', dir: " + folder.resolve("out") + "}")));
        assertEquals(20, TrainerTest.losses(folder.resolve("run")).size());
    }

    @Test
    void wrongRangesAreRefused() {
        for (String steps : List.of("0", "5-3", "all", "1-")) {
            UserError e = assertThrows(UserError.class, () -> TrainerTest.config(folder, "profile={steps: '" + steps + "'}"));
            assertTrue(e.getMessage().contains("must be a step or a range such as 10-12: " + steps), e.getMessage());
        }
    }

    private static List<JsonNode> trace(Path file) throws IOException {
        List<JsonNode> events = new ArrayList<>();
        JSON.readTree(file.toFile()).get("traceEvents").forEach(e -> {
            if (e.get("ph").asText().equals("X")) {
                events.add(e);
            }
        });
        assertFalse(events.isEmpty());
        return events;
    }

    // On every track an event lies wholly inside or wholly outside another.
    private static void nested(List<JsonNode> events) {
        Map<String, List<JsonNode>> tracks = events.stream().collect(Collectors.groupingBy(e -> e.get("pid") + "/" + e.get("tid")));
        tracks.forEach((track, list) -> {
            List<JsonNode> sorted = new ArrayList<>(list);
            sorted.sort(Comparator.comparingDouble((JsonNode e) -> e.get("ts").asDouble()).thenComparingDouble(e -> -e.get("dur").asDouble()));
            Deque<JsonNode> open = new ArrayDeque<>();
            for (JsonNode e : sorted) {
                double from = e.get("ts").asDouble();
                double to = from + e.get("dur").asDouble();
                assertTrue(from >= 0 && to >= from, e.toString());
                while (!open.isEmpty() && end(open.peek()) <= from + 1e-6) {
                    open.pop();
                }
                assertTrue(open.isEmpty() || to <= end(open.peek()) + 1e-6, "track " + track + ": " + e + " crosses the end of " + open.peek());
                open.push(e);
            }
        });
    }

    private static double end(JsonNode e) {
        return e.get("ts").asDouble() + e.get("dur").asDouble();
    }

    // Kinds, exposed communication and idle time make up the whole.
    private static JsonNode adds(Path file) throws IOException {
        JsonNode page = JSON.readTree(file.toFile());
        double sum = 0;
        for (JsonNode ms : page.get("ms_by_kind")) {
            assertTrue(ms.asDouble() >= -1e-9, page.toString());
            sum += ms.asDouble();
        }
        assertEquals(page.get("ms_per_step").asDouble(), sum, 1e-6);
        double operations = Stream.of("gemm", "attention", "elementwise", "loss", "optimizer")
                .mapToDouble(kind -> page.get("ms_by_kind").get(kind).asDouble()).sum();
        assertTrue(operations > 0, page.toString());
        return page;
    }
}
