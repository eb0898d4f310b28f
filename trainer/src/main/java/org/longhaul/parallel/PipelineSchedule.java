package org.longhaul.parallel;

import java.util.ArrayList;
import java.util.List;

/**
 * The order in which one pipeline rank runs the forwards and backwards of its stages: one forward, one backward (Narayanan et
 * al. 2019), interleaved when each rank holds several virtual stages (Narayanan et al. 2021). Global stage {@code chunk · P + p}
 * is chunk {@code chunk} of rank p.
 *
 * @param actions what to run, in order
 * @param inFlight how many micro-batches of each chunk are at most between forward and backward: the slots to plan memory for
 */
public record PipelineSchedule(List<Action> actions, List<Integer> inFlight) {
    private static final int MOST = 1 << 20;

    /** One step of the schedule. */
    public sealed interface Action {
        /** The virtual stage of this rank. */
        int chunk();

        /** The micro-batch, counted within the step. */
        int microBatch();
    }

    /** Run a stage forward. */
    public record Forward(int chunk, int microBatch) implements Action {}

    /** Run a stage backward. */
    public record Backward(int chunk, int microBatch) implements Action {}

    /**
     * The schedule of rank {@code p} of {@code ranks}. Throws IllegalArgumentException when interleaving is asked for and the
     * micro-batches are no multiple of the ranks.
     */
    public static PipelineSchedule of(int ranks, int p, int virtualStages, int microBatches) {
        if ((long) microBatches * virtualStages > MOST) {
            throw new IllegalArgumentException("micro-batches per step on each replica × virtual_stages must be at most " + MOST + ": " + microBatches + " × "
                    + virtualStages + "; a larger micro_batch makes fewer");
        }
        if (virtualStages > 1 && microBatches % ranks != 0) {
            throw new IllegalArgumentException("interleaved pipeline: micro-batches per step must be a multiple of the pipeline's "
                    + ranks + " ranks: " + microBatches);
        }
        int total = microBatches * virtualStages;
        int warmup = virtualStages == 1
                ? Math.min(total, ranks - p - 1)
                : Math.min(total, 2 * (ranks - p - 1) + (virtualStages - 1) * ranks);
        List<Action> actions = new ArrayList<>(2 * total);
        for (int k = 0; k < warmup; k++) {
            actions.add(forward(k, ranks, virtualStages));
        }
        for (int k = warmup; k < total; k++) {
            actions.add(forward(k, ranks, virtualStages));
            actions.add(backward(k - warmup, ranks, virtualStages));
        }
        for (int k = total - warmup; k < total; k++) {
            actions.add(backward(k, ranks, virtualStages));
        }
        return new PipelineSchedule(List.copyOf(actions), inFlight(actions, virtualStages));
    }

    private static Forward forward(int k, int ranks, int virtualStages) {
        return new Forward(k % (ranks * virtualStages) / ranks, microBatch(k, ranks, virtualStages));
    }

    private static Backward backward(int k, int ranks, int virtualStages) {
        return new Backward(virtualStages - 1 - k % (ranks * virtualStages) / ranks, microBatch(k, ranks, virtualStages));
    }

    private static int microBatch(int k, int ranks, int virtualStages) {
        return k / (ranks * virtualStages) * ranks + k % ranks;
    }

    private static List<Integer> inFlight(List<Action> actions, int virtualStages) {
        int[] now = new int[virtualStages];
        int[] most = new int[virtualStages];
        for (Action action : actions) {
            int c = action.chunk();
            now[c] += action instanceof Forward ? 1 : -1;
            most[c] = Math.max(most[c], now[c]);
        }
        List<Integer> slots = new ArrayList<>();
        for (int m : most) {
            slots.add(m);
        }
        return List.copyOf(slots);
    }
}
