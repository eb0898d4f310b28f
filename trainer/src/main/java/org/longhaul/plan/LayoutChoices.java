package org.longhaul.plan;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.longhaul.model.Recompute;
import org.longhaul.parallel.Mesh;
import org.longhaul.train.RankMemory;
import org.longhaul.train.Sizes;
import org.longhaul.train.TrainConfig;

/** The layouts that a number of GPUs allows: which fit, and why the others do not. */
final class LayoutChoices {
    private static final List<Integer> TENSOR = List.of(1, 2, 4, 8);
    private static final int MOST_STAGES = 16;

    private LayoutChoices() {}

    /**
     * One layout.
     *
     * @param bytes of the fullest rank; 0 where the layout cannot be
     * @param reason why it is rejected, empty when it fits
     */
    record Choice(Mesh mesh, Recompute recompute, long bytes, String reason) {
        boolean fits() {
            return reason.isEmpty();
        }
    }

    /** All layouts of up to 16 stages and 8 tensor-parallel ranks of {@code processes} GPUs with the configured micro-batch, those that fit and communicate least first. */
    static List<Choice> of(TrainConfig config, int processes, long limit) {
        List<Choice> choices = new ArrayList<>();
        for (int tensor : TENSOR) {
            for (int pipeline = 1; pipeline <= MOST_STAGES; pipeline++) {
                if (processes % (tensor * pipeline) == 0) {
                    Mesh mesh = new Mesh(pipeline, processes / (tensor * pipeline), tensor, 1);
                    for (Recompute recompute : Recompute.values()) {
                        choices.add(judge(config, mesh, recompute, limit));
                    }
                }
            }
        }
        choices.sort(Comparator.comparing((Choice c) -> !c.fits()).thenComparingInt(c -> c.recompute.ordinal())
                .thenComparingInt(c -> c.mesh.tensor() * c.mesh.pipeline()).thenComparingInt(c -> c.mesh.tensor()));
        return choices;
    }

    private static Choice judge(TrainConfig config, Mesh mesh, Recompute recompute, long limit) {
        try {
            TrainConfig variant = config.withRecompute(recompute);
            long bytes = RankMemory.of(variant, mesh).stream().mapToLong(RankMemory::total).max().orElseThrow();
            int accumulation = config.batch().accumulation(mesh.data());
            String reason = bytes > limit
                    ? Sizes.bytes(bytes) + " on the fullest rank, a GPU has " + Sizes.bytes(limit)
                    : accumulation < 2 * mesh.pipeline() && mesh.pipeline() > 1
                            ? "only " + accumulation + " micro-batches for " + mesh.pipeline() + " pipeline stages: idle for "
                                    + Math.round(100.0 * (mesh.pipeline() - 1) / (accumulation + mesh.pipeline() - 1)) + " % of a step"
                            : "";
            return new Choice(mesh, recompute, bytes, reason);
        } catch (IllegalArgumentException e) {
            return new Choice(mesh, recompute, 0, e.getMessage());
        }
    }
}
