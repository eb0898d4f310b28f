package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.metrics.MetricsFile;

/** The plan against what a training job really takes. */
class MemoryCheckTest {
    @TempDir
    private Path folder;

    /** A model large enough that scalars and tokens are small beside it; every layout and option that changes a row. */
    @ParameterizedTest
    @ValueSource(strings = {
        "{pipeline: 1, data: 1, tensor: 1}", "{pipeline: 1, data: 2, tensor: 1}", "{pipeline: 2, data: 1, tensor: 1}",
        "{pipeline: 1, data: 1, tensor: 2}", "{pipeline: 2, data: 1, tensor: 1, virtual_stages: 2}"
    })
    void usedIsPlanned(String mesh) throws IOException {
        for (String option : List.of("optimizer.moments=f32", "optimizer.moments=bf16")) {
            Path output = folder.resolve(option);
            InProcessJob.run(output, mesh, "steps=3", "model.layers=4", "model.d_model=128", "model.ffn=256", "model.vocab=2048",
                    "memory.loss_chunk=16", option);
            JsonNode line = MetricsFile.read(output.resolve("metrics.jsonl")).stream().filter(l -> l.has("planned_bytes")).findFirst()
                    .orElseThrow(() -> new AssertionError("no line on memory"));
            assertEquals(2, line.get("step").asInt());
            double planned = line.get("planned_bytes").asDouble();
            assertEquals(planned, line.get("used_bytes").asDouble(), 0.02 * planned, option);
        }
    }

    @Test
    void whatCountsAsTooMuch() {
        long gib = 1L << 30;
        assertFalse(new MemoryCheck.Seen(100 * gib, 101 * gib).beyond());
        assertTrue(new MemoryCheck.Seen(100 * gib, 103 * gib).beyond());
        assertFalse(new MemoryCheck.Seen(100 * gib, 50 * gib).beyond());
        assertFalse(new MemoryCheck.Seen(1 << 20, 2 << 20).beyond());
        assertEquals("planned 100.00 GiB, used 103.00 GiB (+3.0 %)", new MemoryCheck.Seen(100 * gib, 103 * gib).toString());
    }
}
