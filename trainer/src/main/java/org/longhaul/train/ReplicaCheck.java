package org.longhaul.train;

import java.util.ArrayList;
import java.util.List;
import org.longhaul.error.UserError;
import org.longhaul.model.ParameterLayout;
import org.longhaul.model.ParameterStore;
import org.longhaul.parallel.Mesh;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.parallel.RankList;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Tensor;
import org.longhaul.trust.ReplicaHash;

/** Compares now and then what ranks should hold alike; a difference ends the job and names the rank. */
final class ReplicaCheck implements AutoCloseable {
    private final MeshGroups groups;
    private final int every;
    private final ReplicaHash data;
    private final ReplicaHash tensor;
    private final List<Tensor> weights = new ArrayList<>();
    private final List<Tensor> norms = new ArrayList<>();

    ReplicaCheck(Backend backend, MeshGroups groups, List<ParameterStore> stores, int every) {
        this.groups = groups;
        this.every = every;
        this.data = groups.data().size() > 1 ? new ReplicaHash(backend, groups.data()) : null;
        this.tensor = groups.tensor().size() > 1 ? new ReplicaHash(backend, groups.tensor()) : null;
        for (ParameterStore store : stores) {
            ParameterLayout layout = store.layout();
            weights.add(store.weights());
            norms.add(store.weights().slice(layout.decayed(), layout.elements()));
        }
    }

    /** Whether to compare after a step. */
    boolean due(long step) {
        return every > 0 && step % every == 0 && (data != null || tensor != null);
    }

    /** Compares; throws UserError naming the ranks whose weights differ from those of most. */
    void compare(long step) {
        Mesh mesh = groups.mesh();
        if (data != null) {
            require(step, "weights", data.deviating(weights), mesh.dataGroup(groups.rank()));
        }
        if (tensor != null) {
            require(step, "norm weights", tensor.deviating(norms), mesh.tensorGroup(groups.rank()));
        }
    }

    @Override
    public void close() {
        if (data != null) {
            data.close();
        }
        if (tensor != null) {
            tensor.close();
        }
    }

    private static void require(long step, String what, List<Integer> deviating, List<Integer> group) {
        if (!deviating.isEmpty()) {
            throw UserError.environment("step " + step + ": the " + what + " of rank(s) " + RankList.text(deviating.stream().map(group::get).toList())
                    + " differ from those of the ranks " + RankList.text(group) + " that should hold the same: a GPU or link is unsound; take that node "
                    + "out and start again from the last checkpoint");
        }
    }
}
