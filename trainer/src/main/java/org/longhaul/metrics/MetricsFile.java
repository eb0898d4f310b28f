package org.longhaul.metrics;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A run's {@code metrics.jsonl}: one JSON object a line, each with its step. */
public final class MetricsFile implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Appender out;

    private MetricsFile(Appender out) {
        this.out = out;
    }

    /**
     * Opens for appending after a step: lines of later steps, and a last line cut by a crash, belong to work that a resumed run
     * does again and are taken out.
     */
    public static MetricsFile open(Path file, long afterStep) throws IOException {
        Files.createDirectories(file.toAbsolutePath().getParent());
        if (Files.exists(file)) {
            List<String> keep = new ArrayList<>();
            boolean cut = false;
            for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
                if (step(line) <= afterStep) {
                    keep.add(line);
                } else {
                    cut = true;
                }
            }
            if (cut) {
                Path temporary = file.resolveSibling(file.getFileName() + ".tmp");
                Files.write(temporary, keep, StandardCharsets.UTF_8);
                Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            }
        }
        return new MetricsFile(new Appender(file));
    }

    /** Appends one line. When the disk refuses it, it is kept and goes out with the next one. */
    public void write(Map<String, Object> values) throws IOException {
        out.append((JSON.writeValueAsString(values) + "\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    /** Every whole line of a file. */
    public static List<JsonNode> read(Path file) throws IOException {
        List<JsonNode> nodes = new ArrayList<>();
        for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
            if (step(line) != Long.MAX_VALUE) {
                nodes.add(JSON.readTree(line));
            }
        }
        return nodes;
    }

    private static long step(String line) {
        try {
            JsonNode step = JSON.readTree(line).get("step");
            return step == null ? Long.MAX_VALUE : step.asLong();
        } catch (JsonProcessingException e) {
            return Long.MAX_VALUE;
        }
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
