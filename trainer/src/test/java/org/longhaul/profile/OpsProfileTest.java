package org.longhaul.profile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.natives.CpuBackend;
import org.longhaul.ops.AttentionShape;
import org.longhaul.ops.Ops;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

class OpsProfileTest {
    @TempDir
    Path folder;

    @Test
    void operationsAreTimedInOrderWithTheirWork() throws IOException {
        try (CpuBackend backend = new CpuBackend(1); OpsProfile profile = new OpsProfile()) {
            Arena arena = backend.allocate("test", 1 << 16);
            Tensor x = arena.tensor("x", 0, DType.F32, 3, 4);
            Tensor w = arena.tensor("w", 1024, DType.F32, 5, 4);
            Tensor y = arena.tensor("y", 2048, DType.F32, 3, 5);
            AttentionShape shape = new AttentionShape(1, 8, 2, 1, 4);
            Tensor qkv = arena.tensor("qkv", 4096, DType.F32, 8, shape.qkvWidth());
            Tensor out = arena.tensor("out", 8192, DType.F32, 8, shape.outWidth());
            Tensor lse = arena.tensor("lse", 12_288, DType.F32, 1, 2, 8);
            Host.put(backend, x, new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
            Ops ops = profile.watch(backend.ops());
            ops.linear(y, x, w);
            profile.on(Marks.of(backend), backend.computeStream());
            ops.linear(y, x, w);
            ops.add(x, x, x);
            ops.attention(out, lse, qkv, shape);
            List<OpsProfile.Span> spans = profile.off();
            ops.add(x, x, x);

            assertEquals(List.of("linear", "add", "attention", "end"), spans.stream().map(OpsProfile.Span::name).toList());
            assertEquals(2.0 * 3 * 4 * 5, spans.get(0).flops());
            assertEquals(3.0 * 48, spans.get(1).bytes());
            assertEquals(2.0 * 2 * 8 * 8 * 4, spans.get(2).flops());
            for (int i = 1; i < spans.size(); i++) {
                assertTrue(spans.get(i).startMs() >= spans.get(i - 1).endMs());
            }
            assertArrayEquals(new float[] {4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48}, Host.floats(backend, x), "the work is done");

            ProfileFiles.write(folder, "small", spans, 1);
            String page = Files.readString(folder.resolve("small.txt"));
            assertTrue(page.contains("matrix products") && page.contains("between operations"), page);
            JsonNode events = new ObjectMapper().readTree(folder.resolve("small.trace.json").toFile()).path("traceEvents");
            assertEquals(3, events.size());
            assertEquals("X", events.get(0).path("ph").asText());
        }
    }
}
