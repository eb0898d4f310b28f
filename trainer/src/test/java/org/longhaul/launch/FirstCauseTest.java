package org.longhaul.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two launchers as of two nodes: what broke on one of them is said on both, and kept beside the run. */
class FirstCauseTest {
    private static final String CAUSE = "rank 1 on .* ended with status 3: the shards of this node are gone";

    @TempDir
    private Path folder;

    private final TestNodes nodes = new TestNodes();

    @AfterEach
    void end() {
        nodes.close();
    }

    @Test
    void everyNodeSaysWhatBrokeFirstAndTheRunKeepsIt() throws Exception {
        List<String> rank = new ArrayList<>(TestNodes.jvm());
        rank.addAll(List.of(FailingRank.class.getName(), folder.resolve("run").toString()));
        nodes.start(List.of(), 1, rank, node -> ProcessBuilder.Redirect.to(log(node).toFile()));
        for (int node = 0; node < 2; node++) {
            assertTrue(nodes.get(node).waitFor(120, TimeUnit.SECONDS), Files.readString(log(node)));
            assertEquals(3, nodes.get(node).exitValue(), Files.readString(log(node)));
            String last = Files.readString(log(node)).strip().lines().reduce((a, b) -> b).orElseThrow();
            assertTrue(last.matches(".*" + CAUSE), Files.readString(log(node)));
        }
        List<String> lines = Files.readAllLines(folder.resolve("run/failures.jsonl"));
        assertEquals(2, lines.size(), lines.toString());
        for (int attempt = 0; attempt < 2; attempt++) {
            JsonNode line = new ObjectMapper().readTree(lines.get(attempt));
            assertEquals(attempt, line.get("attempt").asInt());
            assertEquals(1, line.at("/cause/rank").asInt());
            assertEquals(1, line.at("/cause/node").asInt());
            assertEquals("the shards of this node are gone", line.at("/cause/words").asText());
        }
    }

    private Path log(int node) {
        return folder.resolve("log" + node);
    }
}
