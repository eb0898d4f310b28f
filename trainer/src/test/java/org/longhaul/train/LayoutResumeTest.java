package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.batch.TokenSource;
import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.train.Trainer.Outcome;

/** A run that is saved under one layout and goes on under another ends as the undisturbed run does, with the same samples. */
class LayoutResumeTest {
    private static final int CONTEXT = 32;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"one", "dp2", "dp4", "tp2", "pp2.v2", "pp2.dp2.tp2"})
    void goesOnUnderAnotherLayout(String second) throws Exception {
        Recorded straight = new Recorded(new Sawtooth(40_000));
        assertEquals(Outcome.FINISHED, ThreadJob.run(config("straight", "one"), data(straight)));

        Recorded changed = new Recorded(new Sawtooth(40_000));
        assertEquals(Outcome.PAUSED, ThreadJob.run(config("changed", "pp2.tp2", "stop_after=4"), data(changed)));
        assertEquals(Outcome.FINISHED, ThreadJob.run(config("changed", second), data(changed)));

        assertEquals(8 * 8, straight.samples().size());
        assertEquals(straight.samples(), changed.samples(), "the same samples, none twice, none left out");
        Map<String, float[]> a = tensors("straight");
        Map<String, float[]> b = tensors("changed");
        assertEquals(a.keySet(), b.keySet());
        a.forEach((name, x) -> {
            double gap = 0;
            double norm = 0;
            float[] y = b.get(name);
            for (int i = 0; i < x.length; i++) {
                gap += ((double) x[i] - y[i]) * ((double) x[i] - y[i]);
                norm += (double) x[i] * x[i];
            }
            assertTrue(Math.sqrt(gap) <= 1e-5 * Math.sqrt(norm) + 1e-12, name + ": " + Math.sqrt(gap / norm));
        });
    }

    /** Where the arithmetic does not depend on the layout, nothing changes at all: pipeline stages only move layers. */
    @Test
    void pipelinesGoOnBitForBit() throws Exception {
        ThreadJob.run(config("straight", "one"), data(new Sawtooth(40_000)));
        ThreadJob.run(config("changed", "pp2", "stop_after=4"), data(new Sawtooth(40_000)));
        ThreadJob.run(config("changed", "one"), data(new Sawtooth(40_000)));
        Map<String, float[]> a = tensors("straight");
        Map<String, float[]> b = tensors("changed");
        a.forEach((name, x) -> {
            double largest = 0;
            for (int i = 0; i < x.length; i++) {
                largest = Math.max(largest, Math.abs(x[i] - b.get(name)[i]));
            }
            // The clip factor's norm is summed stage by stage: its last bit may differ.
            assertTrue(largest <= 1e-6, name + ": " + largest);
        });
    }

    private TrainConfig config(String run, String layout, String... overrides) {
        List<String> all = new ArrayList<>(List.of(
                "model.layers=4", "batch.micro_batch=1", "steps=8", "optimizer.epsilon=1e-4", "validation.every=0", "ranks.hash_every=2"));
        Collections.addAll(all, overrides);
        return TrainerTest.config(folder.resolve(run), all.toArray(String[]::new)).over(LayoutName.parse(layout));
    }

    private static TrainData data(TokenSource tokens) {
        return new TrainData(tokens, Optional.empty(), 2.0, 4.0, Map.of("dataset", "sawtooth"));
    }

    private Map<String, float[]> tensors(String run) throws Exception {
        Map<String, float[]> tensors = new HashMap<>();
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

    /** Remembers which samples were read. */
    private static final class Recorded implements TokenSource {
        private final TokenSource tokens;
        private final TreeSet<Long> samples = new TreeSet<>();

        Recorded(TokenSource tokens) {
            this.tokens = tokens;
        }

        @Override
        public long tokens() {
            return tokens.tokens();
        }

        @Override
        public synchronized void read(long position, int[] target, int offset, int count) {
            if (count == CONTEXT) {
                samples.add(position / CONTEXT);
            }
            tokens.read(position, target, offset, count);
        }

        List<Long> samples() {
            return List.copyOf(samples);
        }
    }
}
