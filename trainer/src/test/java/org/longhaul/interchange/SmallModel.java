package org.longhaul.interchange;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.longhaul.checkpoint.BoxData;
import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.checkpoint.CheckpointMeta;
import org.longhaul.checkpoint.CheckpointSaver;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.checkpoint.Retention;
import org.longhaul.checkpoint.SaveKind;
import org.longhaul.checkpoint.StateBoxes;
import org.longhaul.model.ModelConfig;
import org.longhaul.model.ModelStage;
import org.longhaul.model.ParameterLayout;
import org.longhaul.model.ParameterStore;
import org.longhaul.model.Recompute;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.Communicator;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Host;

/** A decoder on the CPU with weights large enough that every logit matters. */
final class SmallModel implements AutoCloseable {
    private final Backend backend = new CpuBackend();
    private final ModelConfig config;
    private final ParameterStore parameters;
    private final ModelStage stage;

    SmallModel(ModelConfig config) {
        this.config = config;
        parameters = new ParameterStore(backend, ParameterLayout.single(config), Communicator.single("data"), false);
        stage = new ModelStage(backend, parameters, 1, config.context(),
                new ModelStage.Options(Recompute.NONE, 1, config.context(), 0, false), Communicator.single("tensor"));
    }

    static ModelConfig config(int kvHeads) {
        return new ModelConfig(3, 64, 4, kvHeads, 160, 96, 32, 10000, 1e-6, 0.12);
    }

    void randomise(long seed) {
        Random random = new Random(seed);
        for (BoxData d : StateBoxes.weights(parameters)) {
            float[] values = new float[(int) d.tensor().elements()];
            for (int i = 0; i < values.length; i++) {
                values[i] = d.box().extent().length == 1 ? 0.5f + random.nextFloat() : (float) (0.12 * random.nextGaussian());
            }
            Host.put(backend, d.tensor(), values);
        }
    }

    Checkpoint save(CheckpointStore store, Map<String, String> fingerprints) {
        try (CheckpointSaver saver = new CheckpointSaver(store, backend, Retention.defaults())) {
            saver.save(new CheckpointMeta(3, SaveKind.PERMANENT, config, "", fingerprints, null), StateBoxes.weights(parameters));
        }
        return store.openNewest();
    }

    void load(Checkpoint checkpoint) {
        checkpoint.load(backend, StateBoxes.weights(parameters));
    }

    /** Logits [n,V] of up to a context of tokens. */
    float[] logits(List<Integer> tokens) {
        int[] padded = new int[config.context()];
        for (int i = 0; i < tokens.size(); i++) {
            padded[i] = tokens.get(i);
        }
        Host.put(backend, stage.tokens(0), padded);
        stage.forward(0);
        return Host.floats(backend, stage.logits(0, 0, tokens.size()));
    }

    /** The most likely next tokens, one after the other. */
    List<Integer> greedy(List<Integer> prompt, int steps) {
        List<Integer> ids = new ArrayList<>(prompt);
        for (int s = 0; s < steps; s++) {
            float[] logits = logits(ids);
            int last = (ids.size() - 1) * config.vocab();
            int best = 0;
            for (int v = 1; v < config.vocab(); v++) {
                if (logits[last + v] > logits[last + best]) {
                    best = v;
                }
            }
            ids.add(best);
        }
        return ids.subList(prompt.size(), ids.size());
    }

    @Override
    public void close() {
        stage.close();
        parameters.close();
        backend.close();
    }
}
