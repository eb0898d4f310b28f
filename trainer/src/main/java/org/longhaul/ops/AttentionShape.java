package org.longhaul.ops;

/**
 * The geometry of causal self-attention over a micro-batch of equally long sequences.
 *
 * @param batch sequences B
 * @param sequence positions S of each; token t of the micro-batch is position t mod S of sequence t / S
 * @param heads query heads H on this rank
 * @param kvHeads key/value heads on this rank; H is a multiple of it, query head h reads key/value head h / (H / kvHeads)
 * @param headDim elements of one head
 */
public record AttentionShape(int batch, int sequence, int heads, int kvHeads, int headDim) {
    /** Checks the geometry. */
    public AttentionShape {
        if (batch < 1 || sequence < 1 || heads < 1 || kvHeads < 1 || headDim < 2 || headDim % 2 != 0 || heads % kvHeads != 0) {
            throw new IllegalArgumentException("attention of " + batch + " sequences of " + sequence + ", " + heads + " heads, "
                    + kvHeads + " key/value heads of " + headDim + ": heads must be a multiple of kv_heads, head size even");
        }
    }

    /** Tokens T = B·S. */
    public long tokens() {
        return (long) batch * sequence;
    }

    /** Width of the packed projection: (H + 2·kvHeads)·headDim, queries first, then keys, then values. */
    public long qkvWidth() {
        return (long) (heads + 2 * kvHeads) * headDim;
    }

    /** Width of the attention output: H·headDim. */
    public long outWidth() {
        return (long) heads * headDim;
    }
}
