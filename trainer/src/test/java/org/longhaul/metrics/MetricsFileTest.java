package org.longhaul.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsFileTest {
    @TempDir
    private Path folder;

    @Test
    void linesOfLostStepsAndACutLineGo() throws IOException {
        Path file = folder.resolve("metrics.jsonl");
        try (MetricsFile m = MetricsFile.open(file, 0)) {
            for (int step = 1; step <= 5; step++) {
                m.write(Map.of("step", step));
            }
        }
        Files.writeString(file, "{\"step\": 6, \"lo", StandardOpenOption.APPEND);
        assertEquals(5, MetricsFile.read(file).size());
        try (MetricsFile m = MetricsFile.open(file, 3)) {
            m.write(Map.of("step", 4));
        }
        assertEquals("{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n{\"step\":4}\n", Files.readString(file));
    }
}
