package org.longhaul.train;

import org.longhaul.parallel.MeshGroups;
import org.longhaul.tensor.Backend;

/** Something that tells the loss of every token of a micro-batch. */
interface TokenLosses {
    /**
     * Runs one micro-batch forward through all stages without gradients.
     *
     * @param ids inputs of the micro-batch
     * @param next targets; −100 does not count
     * @param documents where each input's document begins in its sequence; read only if {@link #withinDocuments}
     * @param losses receives the token losses on the last stage, nats; untouched elsewhere
     * @return whether this rank is on the last stage
     */
    boolean losses(int[] ids, int[] next, int[] documents, float[] losses);

    /** Every rank calls it before its first micro-batch: some may have none, and what the ranks do together must be done by then. */
    default void begin() {}

    /** Whether attention stays within documents, as it did in training. */
    boolean withinDocuments();

    /** The rank's place in the job. */
    MeshGroups groups();

    /** Where it computes. */
    Backend backend();
}
