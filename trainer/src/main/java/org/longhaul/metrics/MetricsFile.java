package org.longhaul.metrics;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
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
     * Opens for appending after a step: lines of later steps belong to work that a resumed run does again, or to a course that was given up, and go to
     * {@code metrics.replaced.jsonl} beside it; a last line cut by a crash goes.
     */
    public static MetricsFile open(Path file, long afterStep) throws IOException {
        Files.createDirectories(file.toAbsolutePath().getParent());
        if (Files.exists(file)) {
            List<String> keep = new ArrayList<>();
            List<String> replaced = new ArrayList<>();
            boolean cut = false;
            for (String line : lines(file)) {
                long step = step(line);
                if (step <= afterStep) {
                    keep.add(line);
                } else if (step != Long.MAX_VALUE) {
                    replaced.add(line);
                } else {
                    cut = true;
                }
            }
            if (!replaced.isEmpty()) {
                Files.write(replaced(file), replaced, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            }
            if (cut || !replaced.isEmpty()) {
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
        for (String line : lines(file)) {
            if (step(line) != Long.MAX_VALUE) {
                nodes.add(JSON.readTree(line));
            }
        }
        return nodes;
    }

    private static Path replaced(Path file) {
        String name = file.getFileName().toString();
        return file.resolveSibling(name.endsWith(".jsonl") ? name.substring(0, name.length() - 6) + ".replaced.jsonl" : name + ".replaced");
    }

    // A last line may be cut within a character, which must not keep a run from going on.
    private static List<String> lines(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8).lines().toList();
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
