package org.longhaul.generate;

import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.checkpoint.StateBoxes;
import org.longhaul.model.IncrementalModel;
import org.longhaul.model.ModelConfig;
import org.longhaul.model.ParameterLayout;
import org.longhaul.model.ParameterStore;
import org.longhaul.parallel.Communicator;
import org.longhaul.tensor.Backend;

/**
 * A trained model on one device that predicts the next token. Keys and values of the tokens seen stay, so a text that grows costs one
 * token's work a token; a window that moves is read anew.
 */
final class LanguageModel implements AutoCloseable {
    private static final int CHUNK = 256;

    private final ParameterStore weights;
    private final IncrementalModel model;
    private final int[] seen;

    private LanguageModel(Backend backend, ParameterStore weights, int window) {
        this.weights = weights;
        this.model = new IncrementalModel(backend, weights, window, CHUNK);
        this.seen = new int[window];
    }

    /** Loads the weights of a checkpoint; {@code window} is the number of tokens looked at, at most the model's context. */
    static LanguageModel load(Backend backend, Checkpoint checkpoint, int window) {
        ModelConfig config = checkpoint.meta().model();
        ParameterStore weights = new ParameterStore(backend, ParameterLayout.single(config), Communicator.single("generate"), false);
        checkpoint.load(backend, StateBoxes.weights(weights));
        return new LanguageModel(backend, weights, window);
    }

    /** A model over weights that the caller filled; closes them. */
    static LanguageModel of(Backend backend, ParameterStore weights, int window) {
        return new LanguageModel(backend, weights, window);
    }

    /** Logits [vocabulary] of the token that follows {@code tokens[from…to)}, which must fit the window. */
    float[] logits(int[] tokens, int from, int to) {
        if (to <= from || to - from > model.positions()) {
            throw new IllegalArgumentException((to - from) + " tokens for a window of " + model.positions());
        }
        int same = 0;
        // The last token is always read, since its logits are asked for.
        while (same < Math.min(model.length(), to - from - 1) && seen[same] == tokens[from + same]) {
            same++;
        }
        model.truncate(same);
        System.arraycopy(tokens, from + same, seen, same, to - from - same);
        return model.read(tokens, from + same, to);
    }

    int window() {
        return model.positions();
    }

    @Override
    public void close() {
        model.close();
        weights.close();
    }
}
