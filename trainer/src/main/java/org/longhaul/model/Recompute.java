package org.longhaul.model;

/** What the backward pass computes again instead of keeping it from the forward pass. */
public enum Recompute {
    /** Nothing: the fastest, with the most memory. */
    NONE,
    /** The outputs of norms and of SwiGLU, which cost memory passes but no matrix products. */
    SELECTIVE,
    /** Whole layers from their inputs: about a third more work, the least memory. */
    FULL
}
