package org.longhaul.ops.cuda;

import org.longhaul.ops.AdamWStep;
import org.longhaul.ops.AttentionShape;
import org.longhaul.ops.Ops;
import org.longhaul.tensor.Tensor;

/** The operations that are fused kernels of our own; matrix products and attention are a subclass's. */
abstract class KernelOps implements Ops {
    private final ElementwiseKernels elementwise;
    private final NormKernels norm;
    private final RopeKernels rope;
    private final ReduceKernels reduce;
    private final LossKernels loss;
    private final EmbeddingKernels embedding;
    private final OptimizerKernels optimizer;

    KernelOps(KernelProvider provider) {
        elementwise = new ElementwiseKernels(provider);
        norm = new NormKernels(provider);
        rope = new RopeKernels(provider);
        reduce = new ReduceKernels(provider);
        loss = new LossKernels(provider, reduce);
        embedding = new EmbeddingKernels(provider);
        optimizer = new OptimizerKernels(provider);
    }

    /** Shares another's kernels. */
    KernelOps(KernelOps other) {
        elementwise = other.elementwise;
        norm = other.norm;
        rope = other.rope;
        reduce = other.reduce;
        loss = other.loss;
        embedding = other.embedding;
        optimizer = other.optimizer;
    }

    /** Rotation kernels, for attention backends. */
    final RopeKernels ropeKernels() {
        return rope;
    }

    /** Reduction kernels, for fp8 scales. */
    final ReduceKernels reduceKernels() {
        return reduce;
    }

    @Override
    public final void embedding(Tensor x, Tensor w, Tensor ids, long firstRow) {
        embedding.forward(x, w, ids, firstRow);
    }

    @Override
    public final void embeddingBackward(Tensor dw, Tensor dx, Tensor ids, long firstRow) {
        embedding.backward(dw, dx, ids, firstRow);
    }

    @Override
    public final void rmsNorm(Tensor y, Tensor rstd, Tensor x, Tensor w, double eps) {
        norm.forward(null, y, rstd, x, null, w, eps);
    }

    @Override
    public final void addRmsNorm(Tensor sum, Tensor y, Tensor rstd, Tensor x, Tensor delta, Tensor w, double eps) {
        norm.forward(sum, y, rstd, x, delta, w, eps);
    }

    @Override
    public final void rmsNormBackward(Tensor dx, Tensor dw, Tensor dy, Tensor x, Tensor w, Tensor rstd, Tensor residual) {
        norm.backward(dx, dw, dy, x, w, rstd, residual);
    }

    @Override
    public final void add(Tensor y, Tensor x, Tensor delta) {
        elementwise.add(y, x, delta);
    }

    @Override
    public final void rope(Tensor qkv, Tensor cos, Tensor sin, AttentionShape shape) {
        rope.rotate(qkv, cos, sin, shape, false);
    }

    @Override
    public final void swiglu(Tensor h, Tensor gateUp) {
        elementwise.swiglu(h, gateUp);
    }

    @Override
    public final void swigluBackward(Tensor dGateUp, Tensor h, Tensor dh, Tensor gateUp) {
        elementwise.swigluBackward(dGateUp, h, dh, gateUp);
    }

    @Override
    public final void crossEntropy(
            Tensor lossC, Tensor logits, Tensor targets, Tensor gradientScale, double zLoss, int ignoreIndex, Tensor zLossSum) {
        loss.crossEntropy(lossC, logits, targets, gradientScale, zLoss, ignoreIndex, zLossSum);
    }

    @Override
    public final void crossEntropyLoss(Tensor lossC, Tensor logits, Tensor targets, int ignoreIndex) {
        loss.lossOnly(lossC, logits, targets, ignoreIndex);
    }

    @Override
    public final void crossEntropyStatistics(
            Tensor max, Tensor sumExp, Tensor target, Tensor logits, Tensor targets, long firstColumn, int ignoreIndex) {
        loss.statistics(max, sumExp, target, logits, targets, firstColumn, ignoreIndex);
    }

    @Override
    public final void rescaleSums(Tensor sumExp, Tensor localMax, Tensor globalMax) {
        loss.rescale(sumExp, localMax, globalMax);
    }

    @Override
    public final void crossEntropyFromStatistics(
            Tensor lossC, Tensor logits, Tensor max, Tensor sumExp, Tensor target, Tensor targets, long firstColumn,
            Tensor gradientScale, double zLoss, int ignoreIndex, Tensor zLossSum) {
        loss.gradient(lossC, logits, max, sumExp, target, targets, firstColumn, gradientScale, zLoss, ignoreIndex, zLossSum);
    }

    @Override
    public final void sumOfSquares(Tensor out, Tensor x) {
        reduce.sumOfSquares(out, x);
    }

    @Override
    public final void sum(Tensor out, Tensor x) {
        reduce.sum(out, x);
    }

    @Override
    public final void clipFactor(Tensor clip, Tensor sumSquares, double maxNorm) {
        reduce.clipFactor(clip, sumSquares, maxNorm);
    }

    @Override
    public final void adamW(
            AdamWStep step, Tensor master, Tensor gradient, Tensor firstMoment, Tensor secondMoment, Tensor weights, Tensor clip) {
        optimizer.adamW(step, master, gradient, firstMoment, secondMoment, weights, clip);
    }

    @Override
    public final void cast(Tensor destination, Tensor source) {
        elementwise.cast(destination, source);
    }
}
