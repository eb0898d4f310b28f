package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.checkpoint.CheckpointStore;

/** A run that is saved under one layout and goes on under another ends as the undisturbed run does, with the same samples. */
class LayoutResumeTest {
    // Adam's epsilon is large: with the usual one a weight whose gradient is rounding noise moves by the whole rate either way.
    private static final String[] SETTINGS = {"model.layers=4", "steps=8", "optimizer.epsilon=1e-4", "ranks.hash_every=2"};

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"{data: 1}", "{data: 2}", "{data: 4}", "{data: 1, tensor: 2}", "{data: 1, pipeline: 2, virtual_stages: 2}",
        "{pipeline: 2, data: 2, tensor: 2}"})
    void goesOnUnderAnotherLayout(String mesh) throws IOException {
        Set<Long> samples = InProcessJob.run(folder.resolve("straight"), "{data: 1}", SETTINGS);
        assertEquals(8 * 8, samples.size());

        Set<Long> before = InProcessJob.run(folder.resolve("changed"), "{data: 1, tensor: 2, pipeline: 2}", pausedAfter(4));
        Set<Long> after = InProcessJob.run(folder.resolve("changed"), mesh, SETTINGS);
        Set<Long> both = new HashSet<>(before);
        both.addAll(after);
        assertEquals(samples, both, "no sample is left out");
        assertEquals(samples.size(), before.size() + after.size(), "and none comes twice");

        Map<String, float[]> straight = tensors("straight");
        Map<String, float[]> changed = tensors("changed");
        assertEquals(straight.keySet(), changed.keySet());
        straight.forEach((name, x) -> {
            double gap = 0;
            double norm = 0;
            for (int i = 0; i < x.length; i++) {
                double d = (double) x[i] - changed.get(name)[i];
                gap += d * d;
                norm += (double) x[i] * x[i];
            }
            assertTrue(Math.sqrt(gap) <= 1e-5 * Math.sqrt(norm) + 1e-12, name + ": " + Math.sqrt(gap / norm));
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"{data: 2}", "{data: 1, tensor: 2}", "{data: 1, pipeline: 2}"})
    void theSameLayoutGoesOnBitForBit(String mesh) throws IOException {
        InProcessJob.run(folder.resolve("straight"), mesh, SETTINGS);
        InProcessJob.run(folder.resolve("halves"), mesh, pausedAfter(3));
        InProcessJob.run(folder.resolve("halves"), mesh, SETTINGS);
        assertEquals(TrainerTest.losses(folder.resolve("straight")), TrainerTest.losses(folder.resolve("halves")));
        TrainerTest.sameState(folder.resolve("straight"), folder.resolve("halves"));
    }

    private static String[] pausedAfter(int steps) {
        String[] all = Arrays.copyOf(SETTINGS, SETTINGS.length + 1);
        all[SETTINGS.length] = "stop_after=" + steps;
        return all;
    }

    private Map<String, float[]> tensors(String run) throws IOException {
        Map<String, float[]> tensors = new TreeMap<>();
        try (CheckpointStore store = CheckpointStore.open(folder.resolve(run).resolve("checkpoints"))) {
            Checkpoint checkpoint = store.openNewest();
            for (String name : checkpoint.tensorNames()) {
                FloatBuffer values = ByteBuffer.wrap(TrainerTest.bytes(checkpoint, name)).order(ByteOrder.nativeOrder()).asFloatBuffer();
                float[] array = new float[values.remaining()];
                values.get(array);
                tensors.put(name, array);
            }
        }
        return tensors;
    }
}
