package org.longhaul.train;

import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.checkpoint.StateBoxes;
import org.longhaul.model.ModelConfig;
import org.longhaul.model.ModelStage;
import org.longhaul.model.ParameterLayout;
import org.longhaul.model.ParameterStore;
import org.longhaul.model.Recompute;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Host;

/** A checkpoint's weights on one device, for the forward pass alone. */
final class LoadedModel implements TokenLosses, AutoCloseable {
    private final Backend backend;
    private final MeshGroups groups = MeshGroups.single();
    private final ParameterStore weights;
    private final ModelStage stage;

    LoadedModel(Backend backend, DeviceConfig.Kind kind, Checkpoint checkpoint, int batch, boolean withinDocuments) {
        this.backend = backend;
        ModelConfig config = checkpoint.meta().model();
        this.weights = new ParameterStore(backend, ParameterLayout.single(config), groups.data(), false);
        checkpoint.load(backend, StateBoxes.weights(weights));
        long chunk = new MemoryConfig(Recompute.NONE, 0).chunk((long) batch * config.context(), config.vocab(), kind);
        ModelStage.Options options = new ModelStage.Options(Recompute.NONE, 1, chunk, 0, false).masking(withinDocuments);
        this.stage = new ModelStage(backend, weights, batch, config.context(), options, groups.tensor());
    }

    @Override
    public boolean losses(int[] ids, int[] next, int[] documents, float[] losses) {
        Host.put(backend, stage.tokens(0), ids);
        Host.put(backend, stage.targets(0), next);
        if (withinDocuments()) {
            int[] index = new int[Math.toIntExact(stage.documents(0).elements())];
            stage.documentIndex().fill(documents, index);
            Host.put(backend, stage.documents(0), index);
        }
        stage.forward(0);
        float[] values = Host.floats(backend, stage.loss(0));
        System.arraycopy(values, 0, losses, 0, values.length);
        return true;
    }

    @Override
    public boolean withinDocuments() {
        return stage.documents(0) != null;
    }

    @Override
    public MeshGroups groups() {
        return groups;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public void close() {
        stage.close();
        weights.close();
    }
}
