package org.longhaul.model;

import org.longhaul.config.Default;
import org.longhaul.config.Doc;
import org.longhaul.ops.AttentionShape;

/** The shape of a DeepSeek-LLM (LLaMA-style) decoder; arXiv 2401.02954, section 2.2. */
@Doc("The decoder's shape: pre-norm RMSNorm, rotary embeddings, SwiGLU, multi-head or grouped-query attention, untied embeddings.")
public record ModelConfig(
        @Doc("Number of decoder layers.") int layers,
        @Doc("Width of the residual stream.") int dModel,
        @Doc("Query heads.") int heads,
        @Doc("Key/value heads; fewer than heads means grouped-query attention. 0 means as many as heads.") @Default("0") int kvHeads,
        @Doc("Width of the feed-forward layer. 0 means 8/3 of d_model rounded up to a multiple of 256.") @Default("0") int ffn,
        @Doc("Rows of the embedding and of the output head; at least the tokenizer's ids.") int vocab,
        @Doc("Positions of a training sequence.") int context,
        @Doc("Base of the rotary frequencies.") @Default("10000.0") double ropeTheta,
        @Doc("Added to the mean square in RMSNorm.") @Default("1e-6") double normEps,
        @Doc("Standard deviation of the initial weights.") @Default("0.006") double initStd) {

    // Far beyond any model, and so small that no count of parameters, bytes or operations leaves a long.
    private static final int MOST_LAYERS = 1 << 12;
    private static final int WIDEST = 1 << 18;
    private static final int WIDEST_FFN = 1 << 20;
    private static final int MOST_WORDS = 1 << 24;
    private static final int LONGEST = 1 << 24;

    /** Fills derived values and checks the shape. */
    public ModelConfig {
        between("layers", layers, MOST_LAYERS);
        between("d_model", dModel, WIDEST);
        between("heads", heads, WIDEST);
        between("vocab", vocab, MOST_WORDS);
        between("context", context, LONGEST);
        if (kvHeads == 0) {
            kvHeads = heads;
        }
        if (ffn == 0) {
            ffn = (8 * dModel / 3 + 255) / 256 * 256;
        }
        between("kv_heads", kvHeads, WIDEST);
        between("ffn", ffn, WIDEST_FFN);
        if (dModel % heads != 0 || dModel / heads % 2 != 0) {
            throw new IllegalArgumentException(
                    "d_model must be heads times an even head size: " + dModel + " for " + heads + " heads");
        }
        if (heads % kvHeads != 0) {
            throw new IllegalArgumentException("heads must be a multiple of kv_heads: " + heads + " and " + kvHeads);
        }
        single("rope_theta", ropeTheta, Float.MAX_VALUE);
        single("norm_eps", normEps, 1);
        single("init_std", initStd, 100);
    }

    /** Elements of one head. */
    public int headDim() {
        return dModel / heads;
    }

    /** Width of the packed query, key and value projection. */
    public int qkvWidth() {
        return (heads + 2 * kvHeads) * headDim();
    }

    /** As the section {@code model} of a training job, on one line. */
    @Override
    public String toString() {
        return "{layers: " + layers + ", d_model: " + dModel + ", heads: " + heads + ", kv_heads: " + kvHeads + ", ffn: " + ffn + ", vocab: " + vocab
                + ", context: " + context + ", rope_theta: " + ropeTheta + ", norm_eps: " + normEps + ", init_std: " + initStd + "}";
    }

    /** Attention over a rank's heads. */
    AttentionShape attention(BatchShape batch) {
        return new AttentionShape(batch.batch(), batch.sequence(), heads / batch.tensorSize(), kvHeads / batch.tensorSize(), headDim());
    }

    private static void between(String key, int value, int most) {
        if (value < 1 || value > most) {
            throw new IllegalArgumentException(key + " must be at least 1" + (value > most ? " and at most " + most : "") + ": " + value);
        }
    }

    // What becomes 0 or infinite in the arithmetic of the layers would train nothing.
    private static void single(String key, double value, double most) {
        if (!(value >= Float.MIN_NORMAL)) {
            throw new IllegalArgumentException(key + " must be above 0" + (value > 0 ? " in single precision" : "") + ": " + value);
        }
        if (value > most) {
            throw new IllegalArgumentException(key + " must be at most " + most + ": " + value);
        }
    }
}
