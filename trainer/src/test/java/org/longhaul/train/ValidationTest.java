package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.batch.TokenSource;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.MeshGroups;

/** A model trained within documents is measured within documents: as if each part of a document were measured by itself. */
class ValidationTest {
    private static final int TOKENS = 700;
    private static final double BYTES = 2.0;

    @TempDir
    private Path folder;

    @Test
    void documentsAreMeasuredByThemselves() {
        Sawtooth text = new Sawtooth(TOKENS);
        Validation masked = measured(true, text);
        Validation open = measured(false, text);
        assertEquals(TOKENS - 1, masked.tokens());
        assertTrue(Math.abs(masked.loss() - open.loss()) > 1e-4, "the mask changes nothing");
        assertEquals(apart(text), masked.loss(), 2e-5);
    }

    // Large weights, so that attention matters before anything is learnt.
    private TrainConfig config(boolean mask) {
        return TrainerTest.config(folder.resolve("run"), "model.init_std=0.3", "data.document_mask=" + mask);
    }

    private Validation measured(boolean mask, TokenSource text) {
        TrainConfig config = config(mask);
        try (CpuBackend backend = new CpuBackend(1); Engine engine = engine(config, backend)) {
            return Validation.of(engine, text, BYTES, config.batch().microBatch(), config.model().context(), 0);
        }
    }

    // Every document's part of every window, with one token more to predict.
    private double apart(Sawtooth text) {
        TrainConfig config = config(false);
        int context = config.model().context();
        double nats = 0;
        long count = 0;
        try (CpuBackend backend = new CpuBackend(1); Engine engine = engine(config, backend)) {
            for (long window = 0; window < TOKENS - 1; window += context) {
                int length = (int) Math.min(context, TOKENS - 1 - window);
                int[] starts = new int[length];
                text.documentStarts(window, starts, 0, length);
                for (int from = 0, to = 1; from < length; from = to++) {
                    while (to < length && starts[to] == from) {
                        to++;
                    }
                    Validation part = Validation.of(
                            engine, new Piece(text, window + from, to - from + 1), BYTES, config.batch().microBatch(), context, 0);
                    nats += part.loss() * part.tokens();
                    count += part.tokens();
                }
            }
        }
        assertEquals(TOKENS - 1, count);
        return nats / count;
    }

    private static Engine engine(TrainConfig config, CpuBackend backend) {
        Engine engine = new Engine(config, backend, MeshGroups.single());
        engine.initialise(3);
        return engine;
    }

    private record Piece(TokenSource of, long from, long tokens) implements TokenSource {
        @Override
        public void read(long position, int[] target, int offset, int count) {
            of.read(from + position, target, offset, count);
        }
    }
}
