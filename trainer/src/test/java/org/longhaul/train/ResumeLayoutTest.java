package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that goes on under another layout goes on as it would have: the same losses, no sample twice and none left out. */
class ResumeLayoutTest {
    private static final String ONE = "{data: 1}";

    @TempDir
    Path folder;

    @Test
    void everyLayoutGoesOnFromTensorTimesPipeline() throws IOException {
        Set<Long> samples = InProcessJob.run(folder.resolve("straight"), ONE);
        assertEquals(20 * 8, samples.size());
        List<String> straight = TrainerTest.losses(folder.resolve("straight"));
        for (String mesh : List.of("{data: 4}", ONE, "{data: 2}", "{data: 1, tensor: 2}", "{pipeline: 2, data: 2}")) {
            Path output = folder.resolve("to " + mesh.replaceAll("[^a-z0-9]", ""));
            Set<Long> before = InProcessJob.run(output, "{data: 1, tensor: 2, pipeline: 2}", "stop_after=10");
            Set<Long> after = InProcessJob.run(output, mesh);
            assertEquals(10 * 8, before.size(), mesh);
            assertEquals(10 * 8, after.size(), mesh);
            Set<Long> both = new HashSet<>(before);
            both.addAll(after);
            assertEquals(samples, both, mesh);
            List<String> losses = TrainerTest.losses(output);
            for (int i = 0; i < 20; i++) {
                assertEquals(Double.parseDouble(straight.get(i)), Double.parseDouble(losses.get(i)), 2e-4, mesh + " step " + (i + 1));
            }
        }
    }

    @Test
    void theSameLayoutGoesOnBitForBit() throws IOException {
        for (String mesh : List.of("{data: 2}", "{data: 1, tensor: 2}", "{data: 1, pipeline: 2}")) {
            Path straight = folder.resolve("straight " + mesh.replaceAll("[^a-z0-9]", ""));
            Path halves = folder.resolve("halves " + mesh.replaceAll("[^a-z0-9]", ""));
            InProcessJob.run(straight, mesh);
            InProcessJob.run(halves, mesh, "stop_after=7");
            InProcessJob.run(halves, mesh);
            assertEquals(TrainerTest.losses(straight), TrainerTest.losses(halves), mesh);
            TrainerTest.sameState(straight, halves);
        }
    }
}
