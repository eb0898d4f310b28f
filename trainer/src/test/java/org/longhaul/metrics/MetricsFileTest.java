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
        assertEquals("{\"step\":4}\n{\"step\":5}\n", Files.readString(folder.resolve("metrics.replaced.jsonl")), "what was replaced can still be read");
        try (MetricsFile m = MetricsFile.open(file, 2)) {
            m.write(Map.of("step", 3));
        }
        assertEquals("{\"step\":4}\n{\"step\":5}\n{\"step\":3}\n{\"step\":4}\n", Files.readString(folder.resolve("metrics.replaced.jsonl")));
    }

    @Test
    void aLineCutWithinACharacterKeepsNobodyFromGoingOn() throws IOException {
        Path file = folder.resolve("metrics.jsonl");
        Files.write(file, "{\"step\":1}\n{\"step\":2,\"sources\":\"".getBytes());
        Files.write(file, new byte[] {(byte) 0xc3}, StandardOpenOption.APPEND);
        assertEquals(1, MetricsFile.read(file).size());
        try (MetricsFile m = MetricsFile.open(file, 1)) {
            m.write(Map.of("step", 2));
        }
        assertEquals("{\"step\":1}\n{\"step\":2}\n", Files.readString(file));
    }
}
