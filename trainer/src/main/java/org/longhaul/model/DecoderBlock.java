package org.longhaul.model;

import org.longhaul.ops.AttentionShape;
import org.longhaul.ops.Ops;
import org.longhaul.parallel.Communicator;
import org.longhaul.parallel.ReduceOp;
import org.longhaul.tensor.Backend.Stream;
import org.longhaul.tensor.Tensor;

/**
 * One decoder layer: x2 = x1 + attention(norm(x1)), output = x2 + swiglu(norm(x2)). The output is left as two addends, so that
 * the next layer fuses their sum with its norm. Under tensor parallelism heads and feed-forward width are split, tokens are
 * split around the norms, and each half gathers before its first product and reduce-scatters after its last.
 */
final class DecoderBlock {
    private final Ops ops;
    private final Communicator group;
    private final Stream stream;
    private final AttentionShape attentionShape;
    private final Rotary rotary;
    private final double eps;
    private final Recompute recompute;
    private final Weights weights;
    private final Weights gradients;

    /** The block's parameters, or their gradients. */
    record Weights(Tensor norm1, Tensor qkv, Tensor out, Tensor norm2, Tensor gateUp, Tensor down) {}

    /** Scratch of the backward pass, beside the block's buffers. */
    record Scratch(Tensor gathered, Tensor dh, Tensor dWide, Tensor dWideLocal, Tensor dAttention, Tensor dQkv) {}

    DecoderBlock(
            Ops ops, Communicator group, Stream stream, AttentionShape attentionShape, Rotary rotary, double eps,
            Recompute recompute, Weights weights, Weights gradients) {
        this.ops = ops;
        this.group = group;
        this.stream = stream;
        this.attentionShape = attentionShape;
        this.rotary = rotary;
        this.eps = eps;
        this.recompute = recompute;
        this.weights = weights;
        this.gradients = gradients;
    }

    /**
     * Fills the buffers; the output is x2 + wideLocal.
     *
     * @param x,delta [L,D] the addends of the input, or both null when x1 holds it already
     */
    void forward(BlockBuffers b, Tensor x, Tensor delta) {
        if (x == null) {
            ops.rmsNorm(b.n1Local(), b.rstd1(), b.x1(), weights.norm1, eps);
        } else {
            ops.addRmsNorm(b.x1(), b.n1Local(), b.rstd1(), x, delta, weights.norm1, eps);
        }
        attend(b);
        feedForwardInput(b);
        ops.swiglu(b.h(), b.gateUp());
        ops.linear(b.wide(), b.h(), weights.down);
        group.reduceScatter(b.wideLocal(), b.wide(), ReduceOp.SUM, stream);
    }

    private void attend(BlockBuffers b) {
        group.allGather(b.n1(), b.n1Local(), stream);
        ops.linear(b.qkv(), b.n1(), weights.qkv);
        ops.rope(b.qkv(), rotary.cos(), rotary.sin(), attentionShape);
        ops.attention(b.attention(), b.lse(), b.qkv(), attentionShape);
        ops.linear(b.wide(), b.attention(), weights.out);
        group.reduceScatter(b.wideLocal(), b.wide(), ReduceOp.SUM, stream);
    }

    private void feedForwardInput(BlockBuffers b) {
        ops.addRmsNorm(b.x2(), b.n2Local(), b.rstd2(), b.x1(), b.wideLocal(), weights.norm2, eps);
        group.allGather(b.n2(), b.n2Local(), stream);
        ops.linear(b.gateUp(), b.n2(), weights.gateUp);
    }

    /**
     * Mirror of {@link #forward}.
     *
     * @param dx [L,D] gradient of the output, overwritten with the gradient of the input
     * @param b what the forward kept; with recomputation the rest is filled here
     * @param accumulate whether the matrices' gradients hold earlier micro-batches; those of the norms are always added to
     */
    void backward(Tensor dx, BlockBuffers b, Scratch s, boolean accumulate) {
        if (recompute == Recompute.FULL) {
            ops.rmsNorm(b.n1Local(), b.rstd1(), b.x1(), weights.norm1, eps);
            attend(b);
            feedForwardInput(b);
        }

        // Feed-forward half: output = x2 + h · Wdownᵀ.
        Tensor dOut_TD = gathered(dx, s);
        ops.linearBackwardInput(s.dh, dOut_TD, weights.down, false);
        Tensor dGateUp_TF = b.gateUp();
        ops.swigluBackward(dGateUp_TF, recompute == Recompute.NONE ? null : b.h(), s.dh, b.gateUp());
        ops.linearBackwardWeight(gradients.down, dOut_TD, b.h(), accumulate);
        ops.linearBackwardInput(s.dWide, dGateUp_TF, weights.gateUp, false);
        if (recompute == Recompute.SELECTIVE) {
            ops.rmsNorm(b.n2Local(), b.rstd2(), b.x2(), weights.norm2, eps);
            group.allGather(b.n2(), b.n2Local(), stream);
        }
        ops.linearBackwardWeight(gradients.gateUp, dGateUp_TF, b.n2(), accumulate);
        group.reduceScatter(s.dWideLocal, s.dWide, ReduceOp.SUM, stream);
        ops.rmsNormBackward(dx, gradients.norm2, s.dWideLocal, b.x2(), weights.norm2, b.rstd2(), dx);

        // Attention half: x2 = x1 + attention · Woutᵀ.
        Tensor dX2_TD = gathered(dx, s);
        ops.linearBackwardInput(s.dAttention, dX2_TD, weights.out, false);
        ops.linearBackwardWeight(gradients.out, dX2_TD, b.attention(), accumulate);
        ops.attentionBackward(
                s.dQkv, s.dAttention, b.qkv(), b.attention(), b.lse(), rotary.cos(), rotary.sin(), attentionShape);
        ops.linearBackwardInput(s.dWide, s.dQkv, weights.qkv, false);
        if (recompute == Recompute.SELECTIVE) {
            ops.rmsNorm(b.n1Local(), b.rstd1(), b.x1(), weights.norm1, eps);
            group.allGather(b.n1(), b.n1Local(), stream);
        }
        ops.linearBackwardWeight(gradients.qkv, s.dQkv, b.n1(), accumulate);
        group.reduceScatter(s.dWideLocal, s.dWide, ReduceOp.SUM, stream);
        ops.rmsNormBackward(dx, gradients.norm1, s.dWideLocal, b.x1(), weights.norm1, b.rstd1(), dx);
    }

    private Tensor gathered(Tensor dx_LD, Scratch s) {
        if (group.size() == 1) {
            return dx_LD;
        }
        group.allGather(s.gathered, dx_LD, stream);
        return s.gathered;
    }
}
