package org.longhaul.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two launchers as of two nodes: what broke on one of them is said on both, and kept beside the run. */
class FirstCauseTest {
    private static final String CAUSE = "rank 1 on .* ended with status 3: the shards of this node are gone";

    @TempDir
    private Path folder;

    private final List<Process> processes = new ArrayList<>();

    @AfterEach
    void end() {
        processes.stream().flatMap(p -> Stream.concat(p.descendants(), Stream.of(p.toHandle()))).forEach(ProcessHandle::destroyForcibly);
    }

    @Test
    void everyNodeSaysWhatBrokeFirstAndTheRunKeepsIt() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        for (int node = 0; node < 2; node++) {
            List<String> command = new ArrayList<>(jvm());
            command.addAll(List.of("-Dtest.nodes=2", "-Dtest.node=" + node, "-Dtest.port=" + port, "-Dtest.job=cause", TestLauncher.class.getName(), "1", "1"));
            command.addAll(jvm());
            command.addAll(List.of(FailingRank.class.getName(), folder.resolve("run").toString()));
            processes.add(new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log(node).toFile()).start());
        }
        for (int node = 0; node < 2; node++) {
            assertTrue(processes.get(node).waitFor(120, TimeUnit.SECONDS), Files.readString(log(node)));
            assertEquals(3, processes.get(node).exitValue(), Files.readString(log(node)));
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

    private static List<String> jvm() throws IOException {
        return List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp",
                System.getProperty("java.class.path"));
    }
}
