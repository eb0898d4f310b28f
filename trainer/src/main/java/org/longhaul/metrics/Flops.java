package org.longhaul.metrics;

import org.longhaul.model.ModelConfig;

/**
 * Work and size of a model shape. "Full" counts attention over all pairs of positions, as the paper's M does; "causal" counts
 * the pairs that the mask leaves.
 */
public final class Flops {
    private Flops() {}

    /** All parameters: blocks, norms, embedding and head. */
    public static long parameters(ModelConfig c) {
        return blockMatrices(c) + (2L * c.layers() + 1) * c.dModel() + 2L * c.vocab() * c.dModel();
    }

    /** Parameters without embedding and head. */
    public static long nonEmbeddingParameters(ModelConfig c) {
        return parameters(c) - 2L * c.vocab() * c.dModel();
    }

    /** The paper's N1 = 12·n_layer·d² (arXiv 2401.02954, equation 2): the non-embedding size of an idealised shape. */
    public static long paperN1(ModelConfig c) {
        return 12L * c.layers() * c.dModel() * c.dModel();
    }

    /** The paper's N2 = N1 + n_vocab·d. */
    public static long paperN2(ModelConfig c) {
        return paperN1(c) + (long) c.vocab() * c.dModel();
    }

    /** The paper's M = 72·n_layer·d² + 12·n_layer·d·l_seq, training FLOPs per token without the head. */
    public static long paperM(ModelConfig c) {
        return 72L * c.layers() * c.dModel() * c.dModel() + 12L * c.layers() * c.dModel() * c.context();
    }

    /** Training FLOPs per token of the true shape with head, attention over all pairs. */
    public static double perTokenFull(ModelConfig c) {
        return matrices(c) + 12.0 * c.layers() * c.dModel() * c.context();
    }

    /** Training FLOPs per token of the true shape with head, attention over the pairs i ≥ j: (s + 1) / 2 a token. */
    public static double perTokenCausal(ModelConfig c) {
        return matrices(c) + 12.0 * c.layers() * c.dModel() * (c.context() + 1) / 2;
    }

    /** Training FLOPs per token of some of the model's layers, with the head or without, attention over the causal pairs. */
    public static double perTokenCausal(ModelConfig c, int layers, boolean head) {
        double attention = 12.0 * layers * c.dModel() * (c.context() + 1) / 2;
        return 6.0 * (blockMatrices(c) * (double) layers / c.layers() + (head ? (double) c.vocab() * c.dModel() : 0)) + attention;
    }

    // Forward is two operations a weight, backward twice that; the embedding is a look-up.
    private static double matrices(ModelConfig c) {
        return 6.0 * (blockMatrices(c) + (double) c.vocab() * c.dModel());
    }

    private static long blockMatrices(ModelConfig c) {
        long d = c.dModel();
        long attention = d * c.qkvWidth() + (long) c.heads() * c.headDim() * d;
        return c.layers() * (attention + 3 * d * c.ffn());
    }
}
