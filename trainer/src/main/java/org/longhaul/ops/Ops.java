package org.longhaul.ops;

import java.util.Optional;
import org.longhaul.error.UserError;
import org.longhaul.tensor.Tensor;

/**
 * The operations a training step is made of. Every buffer is the caller's, planned once; nothing is allocated for a result.
 * Suffixes name dimensions: T tokens of the micro-batch (or this rank's share of them under sequence parallelism), D model
 * width, F feed-forward width, V vocabulary (this rank's slice), Q packed qkv width, H heads, S positions.
 * "Compute type" is the backend's (BF16 on a GPU, F32 on the CPU); arithmetic inside an operation is in F32. Work is enqueued
 * on the backend's compute stream. Shapes that do not match throw {@link IllegalArgumentException} naming the tensors.
 *
 * <p>{@code PortableOps} composes each from ATen operations and is the oracle; {@code CudaOps} has fused kernels.
 */
public interface Ops {
    /**
     * The same operations with the products of linear layers in 8-bit floats; everything else, weight gradients in F32 included,
     * stays. Forward must come before backward for each weight, in every micro-batch. Throws UserError where the device cannot.
     */
    default Ops inFp8() {
        throw UserError.environment("8-bit floats need a GPU of compute capability 8.9 or higher: leave fp8 off");
    }

    /** Why what has run so far must not be recorded as a graph ({@code Backend.record}); empty where it may. */
    default Optional<String> hindersRecording() {
        return Optional.empty();
    }

    // ---- linear layers; weights are [out, in] ----

    /** y[T,N] = x[T,K] · w[N,K]ᵀ, compute type. */
    void linear(Tensor y, Tensor x, Tensor w);

    /** y[T,N] = residual[T,N] + x[T,K] · w[N,K]ᵀ, compute type, rounded once; y may be residual. */
    void linear(Tensor y, Tensor x, Tensor w, Tensor residual);

    /** dx[T,K] = dy[T,N] · w[N,K], added to dx when {@code accumulate}. */
    void linearBackwardInput(Tensor dx, Tensor dy, Tensor w, boolean accumulate);

    /** dw[N,K] (F32) = dy[T,N]ᵀ · x[T,K], added to dw when {@code accumulate}. */
    void linearBackwardWeight(Tensor dw, Tensor dy, Tensor x, boolean accumulate);

    // ---- embedding ----

    /** x[t,:] = w[ids[t] − firstRow,:], zeros where the id is outside this rank's rows; ids I32. */
    void embedding(Tensor x, Tensor w, Tensor ids, long firstRow);

    /** dw[ids[t] − firstRow,:] (F32) += dx[t,:]; deterministic for repeated ids; ids outside are left out. */
    void embeddingBackward(Tensor dw, Tensor dx, Tensor ids, long firstRow);

    // ---- RMSNorm: y = x / sqrt(mean(x²) + eps) · w (Zhang &amp; Sennrich 2019) ----

    /** y[T,D] and rstd[T] (F32) from x[T,D], w[D]. */
    void rmsNorm(Tensor y, Tensor rstd, Tensor x, Tensor w, double eps);

    /** sum = x + delta (rounded to the compute type, stored), then y, rstd of sum. {@code sum} may be {@code x}. */
    void addRmsNorm(Tensor sum, Tensor y, Tensor rstd, Tensor x, Tensor delta, Tensor w, double eps);

    /**
     * dx[T,D] = gradient through the norm, plus {@code residual[T,D]} when not null; dw[D] (F32) += its weight gradient.
     * {@code dx} may be {@code residual} or {@code dy}. Deterministic. x is the norm's input ({@code sum} above).
     */
    void rmsNormBackward(Tensor dx, Tensor dw, Tensor dy, Tensor x, Tensor w, Tensor rstd, Tensor residual);

    /** y = x + delta, elementwise; y may be either. */
    void add(Tensor y, Tensor x, Tensor delta);

    // ---- attention ----

    /**
     * Rotary embedding in place on the query and key heads of qkv[T,Q], half-split pairing (i, i + headDim/2) as in
     * Hugging Face Llama; cos and sin are F32 [S, headDim/2].
     */
    void rope(Tensor qkv, Tensor cos, Tensor sin, AttentionShape shape);

    /**
     * Causal softmax attention, scale 1/√headDim: out[T,H·headDim] and lse[B,H,S] (F32, natural log) from rotated qkv.
     *
     * @param documents the {@link DocumentIndex} of the micro-batch, I32: a token attends to nothing before its document; null where a
     *     sequence is one document
     */
    void attention(Tensor out, Tensor lse, Tensor qkv, Tensor documents, AttentionShape shape);

    /** {@link #attention} of sequences that are one document each. */
    default void attention(Tensor out, Tensor lse, Tensor qkv, AttentionShape shape) {
        attention(out, lse, qkv, null, shape);
    }

    /**
     * Mirror of {@link #attention} and {@link #rope} together: dqkv[T,Q] with respect to the projection's output
     * before rotation, from dout and what the forward kept (qkv rotated) or was given (documents).
     */
    void attentionBackward(
            Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Tensor cos, Tensor sin, Tensor documents, AttentionShape shape);

    /** {@link #attentionBackward} of sequences that are one document each. */
    default void attentionBackward(
            Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Tensor cos, Tensor sin, AttentionShape shape) {
        attentionBackward(dqkv, dout, qkv, out, lse, cos, sin, null, shape);
    }

    /**
     * For generation: appends the rotated keys and values of qkv[T,Q] to the caches keys, values [S,KV·headDim] at row
     * {@code position} and writes to out[T,H·headDim] the attention of the T queries over all rows up to their own. The
     * shape's batch is 1, its sequence T. Composed of ATen operators unless a device overrides it.
     */
    default void cachedAttention(Tensor out, Tensor keys, Tensor values, Tensor qkv, long position, AttentionShape shape) {
        CachedAttention.run(out, keys, values, qkv, position, shape);
    }

    // ---- SwiGLU: h = silu(gate) · up (Shazeer 2020); gateUp[T,2F] holds gate, then up ----

    /** h[T,F]. */
    void swiglu(Tensor h, Tensor gateUp);

    /** dGateUp[T,2F] from dh[T,F]; dGateUp may be gateUp. When {@code h} is not null it is written again (recompute). */
    void swigluBackward(Tensor dGateUp, Tensor h, Tensor dh, Tensor gateUp);

    // ---- loss head ----

    /**
     * Cross-entropy of logits[C,V] in place: logits (compute type) become their gradient
     * {@code gradientScale · (softmax − onehot + 2·zLoss·lse·softmax)}; loss[C] (F32) gets {@code lse − logit(target)}
     * (without the z term), zero where targets[C] (I32) is {@code ignoreIndex}, whose gradient row is zero.
     * {@code zLossSum} (F32, one element, may be null) += Σ lse². gradientScale is F32, one element.
     */
    void crossEntropy(
            Tensor loss, Tensor logits, Tensor targets, Tensor gradientScale, double zLoss, int ignoreIndex, Tensor zLossSum);

    /** As {@link #crossEntropy} but only the loss; logits are left alone. For validation. */
    void crossEntropyLoss(Tensor loss, Tensor logits, Tensor targets, int ignoreIndex);

    /**
     * First half under vocabulary parallelism: for this rank's columns max[C], sumExp[C] = Σ exp(logit − max),
     * target[C] = logit of the target if its column is here, else 0 (all F32); firstColumn is the rank's first id.
     */
    void crossEntropyStatistics(
            Tensor max, Tensor sumExp, Tensor target, Tensor logits, Tensor targets, long firstColumn, int ignoreIndex);

    /** sumExp[c] *= exp(localMax[c] − globalMax[c]). */
    void rescaleSums(Tensor sumExp, Tensor localMax, Tensor globalMax);

    /** Second half: logits become the gradient, loss[C] = lse − target with lse = log(sumExp) + max, both now global. */
    void crossEntropyFromStatistics(
            Tensor loss, Tensor logits, Tensor max, Tensor sumExp, Tensor target, Tensor targets, long firstColumn,
            Tensor gradientScale, double zLoss, int ignoreIndex, Tensor zLossSum);

    // ---- reductions and the optimizer, over flat tensors, F32 where nothing else is said ----

    /** out[0] += Σ x² ; deterministic. */
    void sumOfSquares(Tensor out, Tensor x);

    /** out[0] += Σ x ; deterministic. */
    void sum(Tensor out, Tensor x);

    /**
     * clip[0] = min(1, maxNorm / (√sumSquares + 1e-6)), clip[1] = √sumSquares, clip[2] = 1 if that is finite else 0; on the
     * device. maxNorm ≤ 0 means no clipping.
     */
    void clipFactor(Tensor clip, Tensor sumSquares, double maxNorm);

    /**
     * AdamW on one flat range: g = gradient · clip[0]; nothing changes when clip[2] is 0. {@code weights} (compute type, may be
     * null or {@code master} itself when the compute type is F32) gets the rounded master in the same pass. Moments are both F32,
     * or both BF16, rounded at random by step and place in the range.
     */
    void adamW(
            AdamWStep step, Tensor master, Tensor gradient, Tensor firstMoment, Tensor secondMoment, Tensor weights, Tensor clip);

    /** Copies F32 to F32 or BF16, rounding to nearest even. Equal element counts. */
    void cast(Tensor destination, Tensor source);
}
