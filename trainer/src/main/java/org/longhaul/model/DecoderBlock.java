package org.longhaul.model;

import static org.longhaul.model.SequenceSplit.cut;

import org.longhaul.ops.AttentionShape;
import org.longhaul.ops.Ops;
import org.longhaul.tensor.Tensor;

/**
 * One decoder layer: x2 = x1 + attention(norm(x1)), output = x2 + swiglu(norm(x2)). On one rank the last product of each half adds its
 * residual itself. Under tensor parallelism a sum over the ranks comes first, so the residual is added by the norm that follows and the
 * output is left as two addends, whose sum the next layer fuses with its norm. Under tensor parallelism heads and feed-forward width are split, tokens are
 * split around the norms, and each half gathers before its first product and reduce-scatters after its last.
 */
final class DecoderBlock {
    private final Ops ops;
    private final SequenceSplit split;
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
            Ops ops, SequenceSplit split, AttentionShape attentionShape, Rotary rotary, double eps,
            Recompute recompute, Weights weights, Weights gradients) {
        this.ops = ops;
        this.split = split;
        this.attentionShape = attentionShape;
        this.rotary = rotary;
        this.eps = eps;
        this.recompute = recompute;
        this.weights = weights;
        this.gradients = gradients;
    }

    /**
     * Fills the buffers.
     *
     * @param x,delta [L,D] the addends of the input, or both null when x1 holds it already
     * @param output [L,D] gets the output where {@link #addsResiduals}; else the output is x2 + wideLocal
     */
    void forward(BlockBuffers b, Tensor x, Tensor delta, Tensor output) {
        if (x == null) {
            ops.rmsNorm(b.n1Local(), b.rstd1(), b.x1(), weights.norm1, eps);
        } else {
            ops.addRmsNorm(b.x1(), b.n1Local(), b.rstd1(), x, delta, weights.norm1, eps);
        }
        attend(b);
        feedForwardInput(b);
        ops.swiglu(b.h(), b.gateUp());
        if (addsResiduals(split.group().size())) {
            ops.linear(output, b.h(), weights.down, b.x2());
        } else {
            split.reduce(b.wideLocal(), b.wide(), (from, to) -> ops.linear(cut(b.wide(), from, to), cut(b.h(), from, to), weights.down));
        }
    }

    /** Whether products add the residuals: where no sum over tensor-parallel ranks stands between the two. */
    static boolean addsResiduals(int tensorSize) {
        return tensorSize == 1;
    }

    private void attend(BlockBuffers b) {
        split.gather(b.n1(), b.n1Local(), (from, to) -> ops.linear(cut(b.qkv(), from, to), cut(b.n1(), from, to), weights.qkv));
        ops.rope(b.qkv(), rotary.cos(), rotary.sin(), attentionShape);
        ops.attention(b.attention(), b.lse(), b.qkv(), b.documents(), attentionShape);
        if (addsResiduals(split.group().size())) {
            ops.linear(b.x2(), b.attention(), weights.out, b.x1());
        } else {
            split.reduce(
                    b.wideLocal(), b.wide(), (from, to) -> ops.linear(cut(b.wide(), from, to), cut(b.attention(), from, to), weights.out));
        }
    }

    private void feedForwardInput(BlockBuffers b) {
        if (addsResiduals(split.group().size())) {
            ops.rmsNorm(b.n2Local(), b.rstd2(), b.x2(), weights.norm2, eps);
        } else {
            ops.addRmsNorm(b.x2(), b.n2Local(), b.rstd2(), b.x1(), b.wideLocal(), weights.norm2, eps);
        }
        split.gather(
                b.n2(), b.n2Local(), (from, to) -> ops.linear(cut(b.gateUp(), from, to), cut(b.n2(), from, to), weights.gateUp));
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
        split.gather(dOut_TD, dx, (from, to) -> ops.linearBackwardInput(cut(s.dh, from, to), cut(dOut_TD, from, to), weights.down, false));
        Tensor dGateUp_TF = b.gateUp();
        ops.swigluBackward(dGateUp_TF, recompute == Recompute.NONE ? null : b.h(), s.dh, b.gateUp());
        ops.linearBackwardWeight(gradients.down, dOut_TD, b.h(), accumulate);
        productBackward(dGateUp_TF, weights.gateUp, gradients.gateUp, accumulate, s, b.x2(), weights.norm2, b.rstd2(), b.n2(), b.n2Local());
        ops.rmsNormBackward(dx, gradients.norm2, s.dWideLocal, b.x2(), weights.norm2, b.rstd2(), dx);

        // Attention half: x2 = x1 + attention · Woutᵀ.
        Tensor dX2_TD = gathered(dx, s);
        split.gather(
                dX2_TD, dx, (from, to) -> ops.linearBackwardInput(cut(s.dAttention, from, to), cut(dX2_TD, from, to), weights.out, false));
        ops.linearBackwardWeight(gradients.out, dX2_TD, b.attention(), accumulate);
        ops.attentionBackward(
                s.dQkv, s.dAttention, b.qkv(), b.attention(), b.lse(), rotary.cos(), rotary.sin(), b.documents(), attentionShape);
        productBackward(s.dQkv, weights.qkv, gradients.qkv, accumulate, s, b.x1(), weights.norm1, b.rstd1(), b.n1(), b.n1Local());
        ops.rmsNormBackward(dx, gradients.norm1, s.dWideLocal, b.x1(), weights.norm1, b.rstd1(), dx);
    }

    // y = n · wᵀ with n = norm(x) gathered. The re-gathering of n hides behind the input gradient's product, the scattering of that
    // gradient behind the weight's.
    private void productBackward(
            Tensor dy, Tensor weight, Tensor gradient, boolean accumulate, Scratch s, Tensor x, Tensor norm, Tensor rstd, Tensor n,
            Tensor nLocal) {
        SequenceSplit.Arrival again = null;
        if (recompute == Recompute.SELECTIVE) {
            ops.rmsNorm(nLocal, rstd, x, norm, eps);
            again = split.gathering(n, nLocal);
        }
        ops.linearBackwardInput(s.dWide, dy, weight, false);
        if (again != null) {
            again.upTo(n.size(0));
        }
        SequenceSplit.Departure departure = split.reduceBehind(s.dWideLocal, s.dWide);
        ops.linearBackwardWeight(gradient, dy, n, accumulate);
        departure.finish();
    }

    // Where the gradient of all tokens is: in a group of one the rank's own is all.
    private Tensor gathered(Tensor dx_LD, Scratch s) {
        return split.group().size() == 1 ? dx_LD : s.gathered;
    }
}
