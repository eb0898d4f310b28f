package org.longhaul.generate;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.checkpoint.StateBoxes;
import org.longhaul.model.ModelConfig;
import org.longhaul.model.ModelStage;
import org.longhaul.model.ParameterLayout;
import org.longhaul.model.ParameterStore;
import org.longhaul.model.Recompute;
import org.longhaul.parallel.Communicator;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Host;

/**
 * A trained model on one device that predicts the next token. Every call computes the whole window again: there is no cache of keys and
 * values yet, so a token costs as much as the window is long.
 */
final class LanguageModel implements AutoCloseable {
    private final Backend backend;
    private final ParameterStore weights;
    private final ModelStage stage;
    private final int window;
    private final int vocabulary;
    private final ByteBuffer staging;

    private LanguageModel(Backend backend, ModelConfig config, ParameterStore weights, int window) {
        this.backend = backend;
        this.weights = weights;
        this.window = window;
        this.vocabulary = config.vocab();
        this.stage = new ModelStage(backend, weights, 1, window, new ModelStage.Options(Recompute.NONE, 1, 1, 0, false), Communicator.single("generate"));
        this.staging = ByteBuffer.allocateDirect(Integer.BYTES * window).order(ByteOrder.nativeOrder());
    }

    /** Loads the weights of a checkpoint; {@code window} is the number of tokens looked at, at most the model's context. */
    static LanguageModel load(Backend backend, Checkpoint checkpoint, int window) {
        ModelConfig config = checkpoint.meta().model();
        ParameterStore weights = new ParameterStore(backend, ParameterLayout.single(config), Communicator.single("generate"), false);
        checkpoint.load(backend, StateBoxes.weights(weights));
        return new LanguageModel(backend, config, weights, window);
    }

    /** A model over weights that the caller filled; closes them. */
    static LanguageModel of(Backend backend, ParameterStore weights, int window) {
        return new LanguageModel(backend, weights.layout().config(), weights, window);
    }

    /** Logits [vocabulary] of the token that follows {@code tokens[from…to)}, which must fit the window. */
    float[] logits(int[] tokens, int from, int to) {
        if (to <= from || to - from > window) {
            throw new IllegalArgumentException((to - from) + " tokens for a window of " + window);
        }
        staging.clear();
        for (int i = 0; i < window; i++) {
            // What stands behind the last token does not reach it: attention is causal.
            staging.putInt(from + i < to ? tokens[from + i] : 0);
        }
        staging.flip();
        backend.upload(stage.tokens(0), staging);
        stage.forward(0);
        float[] logits = Host.floats(backend, stage.logits(0, to - from - 1, to - from));
        if (logits.length != vocabulary) {
            throw new IllegalStateException(logits.length + " logits for a vocabulary of " + vocabulary);
        }
        return logits;
    }

    int window() {
        return window;
    }

    @Override
    public void close() {
        stage.close();
        weights.close();
    }
}
