package org.longhaul.model;

import java.util.ArrayList;
import java.util.List;
import org.longhaul.ops.AttentionShape;
import org.longhaul.ops.Ops;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/**
 * A whole model that reads tokens a few at a time and remembers keys and values, so that each new token costs one token's work.
 * T new tokens, D model width, S positions of the cache.
 */
public final class IncrementalModel implements AutoCloseable {
    private final Backend backend;
    private final Ops ops;
    private final ModelConfig config;
    private final ParameterStore weights;
    private final Rotary rotary;
    private final Arena memory;
    private final List<Tensor> keys = new ArrayList<>();
    private final List<Tensor> values = new ArrayList<>();
    private final Tensor tokens;
    private final Tensor x;
    private final Tensor normed;
    private final Tensor rstd;
    private final Tensor qkv;
    private final Tensor attention;
    private final Tensor gateUp;
    private final Tensor h;
    private final Tensor logits;
    private final int positions;
    private final int chunk;
    private long planned;
    private int length;

    /**
     * Allocates the caches.
     *
     * @param positions most tokens remembered, at most the model's context
     * @param chunk most tokens read at once
     */
    public IncrementalModel(Backend backend, ParameterStore weights, int positions, int chunk) {
        this.backend = backend;
        this.ops = backend.ops();
        this.weights = weights;
        this.config = weights.layout().config();
        this.positions = positions;
        this.chunk = Math.min(chunk, positions);
        this.rotary = new Rotary(backend, positions, config.headDim(), config.ropeTheta());
        DType type = backend.computeType();
        long t = this.chunk;
        long d = config.dModel();
        long kv = (long) config.kvHeads() * config.headDim();
        long bytes = 2L * config.layers() * Arena.align(positions * kv * type.bytes()) + Arena.align(4 * t) + Arena.align(4 * t)
                + 2 * Arena.align(t * d * type.bytes()) + Arena.align(t * config.qkvWidth() * type.bytes())
                + Arena.align(t * config.heads() * config.headDim() * type.bytes())
                + Arena.align(2 * t * config.ffn() * type.bytes()) + Arena.align(t * config.ffn() * type.bytes())
                + Arena.align((long) config.vocab() * type.bytes());
        this.memory = backend.allocate("generation", bytes);
        for (int layer = 0; layer < config.layers(); layer++) {
            keys.add(cut("keys of layer " + layer, type, positions, kv));
            values.add(cut("values of layer " + layer, type, positions, kv));
        }
        tokens = cut("new tokens", DType.I32, t);
        rstd = cut("reciprocal deviation", DType.F32, t);
        x = cut("residual", type, t, d);
        normed = cut("normed", type, t, d);
        qkv = cut("qkv", type, t, config.qkvWidth());
        attention = cut("attention", type, t, (long) config.heads() * config.headDim());
        gateUp = cut("gate and up", type, t, 2L * config.ffn());
        h = cut("h", type, t, config.ffn());
        logits = cut("logits", type, 1, config.vocab());
    }

    /** Tokens remembered. */
    public int length() {
        return length;
    }

    /** Most tokens that can be remembered. */
    public int positions() {
        return positions;
    }

    /** Forgets all but the first {@code newLength} tokens. */
    public void truncate(int newLength) {
        if (newLength < 0 || newLength > length) {
            throw new IllegalArgumentException("cannot keep " + newLength + " of " + length + " tokens");
        }
        length = newLength;
    }

    /** Reads {@code ids[from…to)} behind what is remembered; answers the logits [vocab] of the token after the last. */
    public float[] read(int[] ids, int from, int to) {
        if (to <= from || length + to - from > positions) {
            throw new IllegalArgumentException((to - from) + " tokens behind " + length + " for a cache of " + positions);
        }
        int last = 0;
        for (int at = from; at < to; at += last) {
            last = Math.min(chunk, to - at);
            int[] part = new int[last];
            System.arraycopy(ids, at, part, 0, last);
            forward(part);
            length += last;
        }
        ops.rmsNorm(normed.rows(0, last), rstd.rows(0, last), x.rows(0, last), weights.weight("norm"), config.normEps());
        ops.linear(logits, normed.rows(last - 1, last), weights.weight("head"));
        return Host.floats(backend, logits);
    }

    private void forward(int[] ids) {
        int t = ids.length;
        AttentionShape shape = new AttentionShape(1, t, config.heads(), config.kvHeads(), config.headDim());
        Tensor tokens_T = tokens.rows(0, t);
        Tensor x_TD = x.rows(0, t);
        Tensor normed_TD = normed.rows(0, t);
        Tensor rstd_T = rstd.rows(0, t);
        Tensor qkv_TQ = qkv.rows(0, t);
        Tensor attention_TA = attention.rows(0, t);
        Tensor gateUp_TF = gateUp.rows(0, t);
        Tensor h_TF = h.rows(0, t);
        Tensor cos = rotary.cos().rows(length, length + t);
        Tensor sin = rotary.sin().rows(length, length + t);
        Host.put(backend, tokens_T, ids);
        ops.embedding(x_TD, weights.weight("embedding"), tokens_T, 0);
        for (int layer = 0; layer < config.layers(); layer++) {
            String p = "layers." + layer + ".";
            ops.rmsNorm(normed_TD, rstd_T, x_TD, weights.weight(p + "attention_norm"), config.normEps());
            ops.linear(qkv_TQ, normed_TD, weights.weight(p + "qkv"));
            ops.rope(qkv_TQ, cos, sin, shape);
            ops.cachedAttention(attention_TA, keys.get(layer), values.get(layer), qkv_TQ, length, shape);
            ops.linear(x_TD, attention_TA, weights.weight(p + "out"), x_TD);
            ops.rmsNorm(normed_TD, rstd_T, x_TD, weights.weight(p + "ffn_norm"), config.normEps());
            ops.linear(gateUp_TF, normed_TD, weights.weight(p + "gate_up"));
            ops.swiglu(h_TF, gateUp_TF);
            ops.linear(x_TD, h_TF, weights.weight(p + "down"), x_TD);
        }
    }

    private Tensor cut(String name, DType type, long... shape) {
        Tensor t = memory.tensor(name, planned, type, shape);
        planned += Arena.align(t.bytes());
        return t;
    }

    @Override
    public void close() {
        memory.close();
        rotary.close();
    }
}
