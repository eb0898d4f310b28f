package org.longhaul.launch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code failures.jsonl} beside a run's other files: a line for every attempt that failed, written by node 0's launcher. */
final class FailureFile {
    private static final Logger LOG = LoggerFactory.getLogger(FailureFile.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int TAIL = 64 << 10;

    private FailureFile() {}

    /** Appends what is known of an attempt: its first cause and the other failures in the order in which they became known. */
    static void append(Path output, int attempt, Failure cause, List<Failure> known) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("time", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        line.put("attempt", attempt);
        line.put("step", lastStep(output.resolve("metrics.jsonl")));
        line.put("verdict", Failure.verdict(known));
        line.put("cause", values(cause));
        line.put("others", known.stream().filter(f -> !f.equals(cause)).map(FailureFile::values).toList());
        Path file = output.resolve("failures.jsonl");
        try {
            Files.createDirectories(output);
            Files.writeString(file, JSON.writeValueAsString(line) + "\n", StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            LOG.warn("{} lacks a line: {}", file, e.getMessage());
        }
    }

    private static Map<String, Object> values(Failure failure) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("node", failure.node());
        values.put("host", failure.host());
        if (failure.lost()) {
            values.put("words", failure.words());
            return values;
        }
        values.put("rank", failure.rank());
        values.put("pid", failure.pid());
        // Its launcher's own.
        values.put(failure.hung() || failure.signal() > 0 ? "signal" : "status", failure.hung() ? 9 : failure.signal() > 0 ? failure.signal() : failure.status());
        values.put("words", failure.words());
        return values;
    }

    /** The step of the last line about a step's loss, 0 where there is none. */
    static long lastStep(Path metrics) {
        try (RandomAccessFile file = new RandomAccessFile(metrics.toFile(), "r")) {
            byte[] tail = new byte[(int) Math.min(TAIL, file.length())];
            file.seek(file.length() - tail.length);
            file.readFully(tail);
            List<String> lines = new String(tail, StandardCharsets.UTF_8).lines().toList();
            for (int i = lines.size() - 1; i >= 0; i--) {
                JsonNode line = parsed(lines.get(i));
                if (line.has("loss")) {
                    return line.path("step").asLong();
                }
            }
        } catch (IOException e) {
            LOG.debug("no step is known: {}", e.getMessage());
        }
        return 0;
    }

    // The first line of the tail and, after a crash, the last one may be cut.
    private static JsonNode parsed(String line) {
        try {
            return JSON.readTree(line);
        } catch (JsonProcessingException e) {
            return JSON.createObjectNode();
        }
    }
}
