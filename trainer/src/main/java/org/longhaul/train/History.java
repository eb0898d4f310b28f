package org.longhaul.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;
import org.longhaul.cli.Version;
import org.longhaul.error.Reason;
import org.longhaul.launch.HostName;
import org.longhaul.parallel.Mesh;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code history.jsonl} of a run: a line for every start and every end of its processes, written by rank 0. Unlike the lines of
 * metrics.jsonl none is ever taken out; a start that no end follows was killed.
 */
final class History {
    private static final Logger LOG = LoggerFactory.getLogger(History.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path file;

    History(Path output) {
        this.file = file(output);
    }

    private static Path file(Path output) {
        return output.resolve("history.jsonl");
    }

    /** Whether a run has begun in this folder before. */
    static boolean began(Path output) {
        return Files.exists(file(output));
    }

    /** The run begins or goes on; {@code changed} says which keys differ from those that it went on with before, empty for none. */
    void started(TrainConfig config, Mesh mesh, String how, String from, long step, String changed) {
        Map<String, Object> line = line("start", step);
        line.put("how", how);
        if (!from.isEmpty()) {
            line.put("from", from);
        }
        line.put("data", config.data().path().toAbsolutePath().normalize().toString());
        line.put("steps", config.steps());
        line.put("host", HostName.here());
        line.put("processes", mesh.size());
        line.put("layout", LayoutName.of(mesh));
        line.put("device", config.device().words());
        line.put("version", Version.text());
        if (!changed.isEmpty()) {
            line.put("changed", changed);
        }
        append(line);
    }

    /** This process ends with the run at {@code step}. */
    void ended(long step, String outcome, String why) {
        Map<String, Object> line = line("end", step);
        line.put("outcome", outcome);
        if (!why.isEmpty()) {
            line.put("why", why);
        }
        append(line);
    }

    private static Map<String, Object> line(String event, long step) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("time", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        line.put("event", event);
        line.put("step", step);
        return line;
    }

    private void append(Map<String, Object> line) {
        try {
            // A run whose checkpoints lie elsewhere has no output folder yet when it starts.
            Files.createDirectories(file.toAbsolutePath().getParent());
            Files.writeString(file, JSON.writeValueAsString(line) + "\n", StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            LOG.warn("{} lacks a line: {}", file, Reason.of(e));
        }
    }
}
