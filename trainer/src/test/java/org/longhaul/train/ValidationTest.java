package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.batch.TokenSource;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.tensor.Backend;

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

    /** Every token but the first is predicted once, from the one before it, up to the limit. */
    @Test
    void eachTokenIsPredictedFromTheOneBefore() {
        Sawtooth text = new Sawtooth(TOKENS);
        int[] ids = new int[TOKENS];
        text.read(0, ids, 0, TOKENS);
        for (int limit : new int[] {0, 1, 100, 128, 333, 5000}) {
            int count = limit == 0 ? TOKENS - 1 : Math.min(limit, TOKENS - 1);
            double nats = 0;
            for (int i = 0; i < count; i++) {
                nats += pair(ids[i], ids[i + 1]);
            }
            Validation measured = Validation.of(new Pairs(), text, BYTES, 4, 32, limit);
            assertEquals(count, measured.tokens());
            assertEquals(nats / count, measured.loss(), 1e-6 * measured.loss(), "at most " + limit);
            assertEquals(nats / count / Math.log(2) / BYTES, measured.bitsPerByte(), 1e-6 * measured.loss());
        }
    }

    private static float pair(int before, int next) {
        return 1 + (before * 31 + next * 7) % 13;
    }

    /** A model whose losses tell what it was shown. */
    private static final class Pairs implements TokenLosses {
        @Override
        public boolean losses(int[] ids, int[] next, int[] documents, float[] losses) {
            for (int i = 0; i < ids.length; i++) {
                losses[i] = next[i] == -100 ? 0 : pair(ids[i], next[i]);
            }
            return true;
        }

        @Override
        public boolean withinDocuments() {
            return false;
        }

        @Override
        public MeshGroups groups() {
            return MeshGroups.single();
        }

        @Override
        public Backend backend() {
            throw new IllegalStateException("one rank has nothing to sum");
        }
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
