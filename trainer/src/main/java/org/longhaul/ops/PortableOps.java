package org.longhaul.ops;

import ai.djl.ndarray.NDArray;
import org.longhaul.natives.Aten;
import org.longhaul.natives.Scope;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/**
 * Each operation composed of ATen operators, on any device and compute type: the teaching text and the oracle of the fused
 * kernels, and what the CPU trains with. Where the compute type is not F32, inputs are raised to F32 first.
 */
public final class PortableOps implements Ops {
    /** Elements per pass of the flat operations: small enough for the cache, large enough to hide the call. */
    private static final long CHUNK = 1 << 15;

    // ---- linear layers ----

    @Override
    public void linear(Tensor y, Tensor x, Tensor w) {
        Shapes.linear(y, x, w);
        try (Scope s = Scope.on(x)) {
            new Aten(s).mm(s.of(y), s.of(x), s.transposed(w));
        }
    }

    @Override
    public void linear(Tensor y, Tensor x, Tensor w, Tensor residual) {
        Shapes.linear(y, x, w);
        Shapes.same(y, residual);
        try (Scope s = Scope.on(x)) {
            new Aten(s).addmm(s.of(y), s.of(residual), s.of(x), s.transposed(w));
        }
    }

    @Override
    public void linearBackwardInput(Tensor dx, Tensor dy, Tensor w, boolean accumulate) {
        Shapes.linear(dy, dx, w);
        try (Scope s = Scope.on(dx)) {
            Aten a = new Aten(s);
            if (accumulate) {
                a.addmm(s.of(dx), s.of(dy), s.of(w));
            } else {
                a.mm(s.of(dx), s.of(dy), s.of(w));
            }
        }
    }

    @Override
    public void linearBackwardWeight(Tensor dw, Tensor dy, Tensor x, boolean accumulate) {
        Shapes.linear(dy, x, dw);
        Shapes.type(DType.F32, dw);
        try (Scope s = Scope.on(dw)) {
            Aten a = new Aten(s);
            NDArray dyNT = a.to(s.transposed(dy), DType.F32);
            NDArray xTK = a.to(s.of(x), DType.F32);
            if (accumulate) {
                a.addmm(s.of(dw), dyNT, xTK);
            } else {
                a.mm(s.of(dw), dyNT, xTK);
            }
        }
    }

    // ---- embedding ----

    @Override
    public void embedding(Tensor x, Tensor w, Tensor ids, long firstRow) {
        Shapes.embedding(x, w, ids);
        try (Scope s = Scope.on(x)) {
            Aten a = new Aten(s);
            Columns here = Columns.of(a, s, ids, firstRow, w.size(0));
            NDArray xTD = s.of(x);
            a.indexSelect(xTD, s.of(w), here.flat());
            a.mul(xTD, xTD, here.mask());
        }
    }

    @Override
    public void embeddingBackward(Tensor dw, Tensor dx, Tensor ids, long firstRow) {
        Shapes.embedding(dx, dw, ids);
        Shapes.type(DType.F32, dw);
        try (Scope s = Scope.on(dw)) {
            Aten a = new Aten(s);
            Columns here = Columns.of(a, s, ids, firstRow, dw.size(0));
            NDArray dxTD = a.mul(a.to(s.of(dx), DType.F32), here.mask());
            NDArray indexTD = s.reinterpret(here.flat(), 0, dx.shape(), new long[] {1, 0});
            a.scatterAdd(s.of(dw), 0, indexTD, dxTD);
        }
    }

    // ---- RMSNorm ----

    @Override
    public void rmsNorm(Tensor y, Tensor rstd, Tensor x, Tensor w, double eps) {
        Shapes.norm(y, rstd, x, w);
        try (Scope s = Scope.on(x)) {
            Aten a = new Aten(s);
            NDArray xTD = a.to(s.of(x), DType.F32);
            NDArray meanT1 = a.sum(a.mul(xTD, xTD), 1, true);
            a.muli(meanT1, s.scalar(1.0 / x.size(1)));
            a.addi(meanT1, s.scalar(eps));
            NDArray rstdT1 = column(s, rstd);
            a.rsqrt(rstdT1, meanT1);
            NDArray yTD = s.of(y);
            if (y.dtype() == DType.F32) {
                a.mul(yTD, xTD, rstdT1);
                a.muli(yTD, s.of(w));
            } else {
                a.mul(yTD, a.mul(xTD, rstdT1), a.to(s.of(w), DType.F32));
            }
        }
    }

    @Override
    public void addRmsNorm(Tensor sum, Tensor y, Tensor rstd, Tensor x, Tensor delta, Tensor w, double eps) {
        add(sum, x, delta);
        rmsNorm(y, rstd, sum, w, eps);
    }

    @Override
    public void rmsNormBackward(Tensor dx, Tensor dw, Tensor dy, Tensor x, Tensor w, Tensor rstd, Tensor residual) {
        Shapes.norm(dy, rstd, x, w);
        Shapes.same(dx, x);
        Shapes.type(DType.F32, dw);
        try (Scope s = Scope.on(x)) {
            Aten a = new Aten(s);
            NDArray rstdT1 = column(s, rstd);
            NDArray dyTD = a.to(s.of(dy), DType.F32);
            NDArray wD = a.to(s.of(w), DType.F32);
            NDArray xhatTD = a.mul(a.to(s.of(x), DType.F32), rstdT1);
            NDArray dwTD = a.mul(dyTD, xhatTD);
            a.addi(s.of(dw), a.sum(dwTD, 0, false));
            a.muli(dwTD, wD);
            NDArray meanT1 = a.sum(dwTD, 1, true);
            a.muli(meanT1, s.scalar(1.0 / x.size(1)));
            // dx = rstd · (dy·w − x̂ · mean(dy·w·x̂))
            a.muli(xhatTD, meanT1);
            NDArray gTD = a.mul(dyTD, wD);
            a.subi(gTD, xhatTD);
            a.muli(gTD, rstdT1);
            if (residual != null) {
                a.addi(gTD, s.of(residual));
            }
            a.copy(s.of(dx), gTD);
        }
    }

    @Override
    public void add(Tensor y, Tensor x, Tensor delta) {
        Shapes.same(y, x);
        Shapes.same(y, delta);
        try (Scope s = Scope.on(y)) {
            Aten a = new Aten(s);
            if (y.address() == delta.address()) {
                a.addi(s.of(y), s.of(x));
                return;
            }
            if (y.address() != x.address()) {
                a.copy(s.of(y), s.of(x));
            }
            a.addi(s.of(y), s.of(delta));
        }
    }

    // ---- attention ----

    @Override
    public void rope(Tensor qkv, Tensor cos, Tensor sin, AttentionShape shape) {
        try (Scope s = Scope.on(qkv)) {
            Attention.rotate(new Aten(s), s, qkv, cos, sin, shape, false);
        }
    }

    @Override
    public void attention(Tensor out, Tensor lse, Tensor qkv, Tensor documents, AttentionShape shape) {
        Shapes.attention(out, lse, qkv, shape);
        Shapes.documents(documents, shape);
        try (Scope s = Scope.on(qkv)) {
            Attention.forward(new Aten(s), s, out, lse, qkv, documents, shape);
        }
    }

    @Override
    public void attentionBackward(
            Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Tensor cos, Tensor sin, Tensor documents, AttentionShape shape) {
        Shapes.attention(out, lse, qkv, shape);
        Shapes.attention(dout, lse, dqkv, shape);
        Shapes.documents(documents, shape);
        try (Scope s = Scope.on(qkv)) {
            Attention.backward(new Aten(s), s, dqkv, dout, qkv, out, lse, documents, shape);
        }
        // A rotation's gradient is the opposite rotation.
        try (Scope s = Scope.on(qkv)) {
            Attention.rotate(new Aten(s), s, dqkv, cos, sin, shape, true);
        }
    }

    // ---- SwiGLU ----

    @Override
    public void swiglu(Tensor h, Tensor gateUp) {
        Shapes.swiglu(h, gateUp);
        try (Scope s = Scope.on(h)) {
            Aten a = new Aten(s);
            NDArray gateTF = a.to(half(s, gateUp, 0), DType.F32);
            a.mul(s.of(h), a.silu(gateTF), half(s, gateUp, 1));
        }
    }

    @Override
    public void swigluBackward(Tensor dGateUp, Tensor h, Tensor dh, Tensor gateUp) {
        Shapes.swiglu(dh, gateUp);
        Shapes.same(dGateUp, gateUp);
        try (Scope s = Scope.on(dh)) {
            Aten a = new Aten(s);
            NDArray gateTF = a.to(half(s, gateUp, 0), DType.F32);
            NDArray upTF = half(s, gateUp, 1);
            NDArray siluTF = a.silu(gateTF);
            NDArray dhTF = a.to(s.of(dh), DType.F32);
            // Everything that reads the halves comes before what overwrites them.
            NDArray dSiluTF = a.mul(dhTF, upTF);
            NDArray dUpTF = a.mul(dhTF, siluTF);
            if (h != null) {
                a.mul(s.of(h), siluTF, upTF);
            }
            a.siluBackward(half(s, dGateUp, 0), dSiluTF, gateTF);
            a.copy(half(s, dGateUp, 1), dUpTF);
        }
    }

    // ---- loss head ----

    @Override
    public void crossEntropy(
            Tensor loss, Tensor logits, Tensor targets, Tensor gradientScale, double zLoss, int ignoreIndex, Tensor zLossSum) {
        Shapes.logits(loss, logits, targets);
        try (Scope s = Scope.on(logits)) {
            CrossEntropy.withGradient(new Aten(s), s, loss, logits, targets, gradientScale, zLoss, ignoreIndex, zLossSum);
        }
    }

    @Override
    public void crossEntropyLoss(Tensor loss, Tensor logits, Tensor targets, int ignoreIndex) {
        Shapes.logits(loss, logits, targets);
        try (Scope s = Scope.on(logits)) {
            CrossEntropy.lossOnly(new Aten(s), s, loss, logits, targets, ignoreIndex);
        }
    }

    @Override
    public void crossEntropyStatistics(
            Tensor max, Tensor sumExp, Tensor target, Tensor logits, Tensor targets, long firstColumn, int ignoreIndex) {
        Shapes.logits(max, logits, targets);
        try (Scope s = Scope.on(logits)) {
            CrossEntropy.statistics(new Aten(s), s, max, sumExp, target, logits, targets, firstColumn);
        }
    }

    @Override
    public void rescaleSums(Tensor sumExp, Tensor localMax, Tensor globalMax) {
        try (Scope s = Scope.on(sumExp)) {
            Aten a = new Aten(s);
            NDArray factorC = a.sub(s.of(localMax), s.of(globalMax));
            a.expi(factorC);
            a.muli(s.of(sumExp), factorC);
        }
    }

    @Override
    public void crossEntropyFromStatistics(
            Tensor loss, Tensor logits, Tensor max, Tensor sumExp, Tensor target, Tensor targets, long firstColumn,
            Tensor gradientScale, double zLoss, int ignoreIndex, Tensor zLossSum) {
        Shapes.logits(loss, logits, targets);
        try (Scope s = Scope.on(logits)) {
            CrossEntropy.fromStatistics(
                    new Aten(s), s, loss, logits, max, sumExp, target, targets, firstColumn, gradientScale, zLoss, ignoreIndex,
                    zLossSum);
        }
    }

    // ---- reductions and the optimizer ----

    @Override
    public void sumOfSquares(Tensor out, Tensor x) {
        for (long at = 0; at < x.elements(); at += CHUNK) {
            try (Scope s = Scope.on(x)) {
                Aten a = new Aten(s);
                NDArray chunk = flat(s, x, at);
                a.addi(s.of(out), a.sum(a.mul(chunk, chunk), 0, true));
            }
        }
    }

    @Override
    public void sum(Tensor out, Tensor x) {
        for (long at = 0; at < x.elements(); at += CHUNK) {
            try (Scope s = Scope.on(x)) {
                Aten a = new Aten(s);
                a.addi(s.of(out), a.sum(flat(s, x, at), 0, true));
            }
        }
    }

    @Override
    public void clipFactor(Tensor clip, Tensor sumSquares, double maxNorm) {
        try (Scope s = Scope.on(clip)) {
            Aten a = new Aten(s);
            NDArray factor = element(s, clip, 0);
            NDArray norm = element(s, clip, 1);
            a.sqrt(norm, element(s, sumSquares, 0));
            // x − x is 0 unless x is infinite or no number.
            a.copy(element(s, clip, 2), a.eq(a.sub(norm, norm), s.scalar(0)));
            if (maxNorm > 0) {
                NDArray ratio = a.add(norm, s.scalar(1e-6));
                a.reciprocali(ratio);
                a.muli(ratio, s.scalar(maxNorm));
                a.minimum(factor, ratio, s.scalar(1));
            } else {
                a.copy(factor, s.scalar(1));
            }
        }
    }

    @Override
    public void adamW(
            AdamWStep step, Tensor master, Tensor gradient, Tensor firstMoment, Tensor secondMoment, Tensor weights, Tensor clip) {
        if (firstMoment.dtype() == DType.BF16) {
            RoundedMoments.adamW(step, master, gradient, firstMoment, secondMoment, weights, clip);
            return;
        }
        double correction1 = 1 - Math.pow(step.beta1(), step.step());
        double correction2 = 1 - Math.pow(step.beta2(), step.step());
        boolean separate = weights != null && weights.address() != master.address();
        for (long at = 0; at < master.elements(); at += CHUNK) {
            try (Scope s = Scope.on(master)) {
                Aten a = new Aten(s);
                NDArray finite = a.ne(element(s, clip, 2), s.scalar(0));
                NDArray keep1 = a.where(finite, s.scalar(step.beta1()), s.scalar(1));
                NDArray keep2 = a.where(finite, s.scalar(step.beta2()), s.scalar(1));
                NDArray rate = a.where(finite, s.scalar(step.learningRate()), s.scalar(0));
                NDArray g = a.where(finite, a.mul(flat(s, gradient, at), element(s, clip, 0)), s.scalar(0));
                NDArray m = flat(s, firstMoment, at);
                NDArray v = flat(s, secondMoment, at);
                NDArray w = flat(s, master, at);
                a.muli(m, keep1);
                a.addi(m, a.mul(g, s.scalar(1 - step.beta1())));
                a.muli(v, keep2);
                NDArray squared = a.mul(g, g);
                a.muli(squared, s.scalar(1 - step.beta2()));
                a.addi(v, squared);
                NDArray divisor = a.mul(v, s.scalar(1 / correction2));
                a.sqrti(divisor);
                a.addi(divisor, s.scalar(step.epsilon()));
                NDArray update = a.mul(m, s.scalar(1 / correction1));
                a.divi(update, divisor);
                if (step.weightDecay() != 0) {
                    a.addi(update, a.mul(w, s.scalar(step.weightDecay())));
                }
                a.muli(update, rate);
                a.subi(w, update);
                if (separate) {
                    a.copy(flat(s, weights, at), w);
                }
            }
        }
    }

    @Override
    public void cast(Tensor destination, Tensor source) {
        try (Scope s = Scope.on(source)) {
            long n = source.elements();
            new Aten(s).copy(
                    s.of(destination, 0, new long[] {n}, new long[] {1}), s.of(source, 0, new long[] {n}, new long[] {1}));
        }
    }

    // ---- views ----

    private static NDArray column(Scope s, Tensor x) {
        return s.of(x, 0, new long[] {x.elements(), 1}, new long[] {1, 1});
    }

    private static NDArray half(Scope s, Tensor gateUp, int which) {
        long rows = gateUp.size(0);
        long f = gateUp.size(1) / 2;
        return s.of(gateUp, which * f, new long[] {rows, f}, new long[] {2 * f, 1});
    }

    private static NDArray flat(Scope s, Tensor x, long from) {
        return s.of(x, from, new long[] {Math.min(CHUNK, x.elements() - from)}, new long[] {1});
    }

    static NDArray element(Scope s, Tensor x, long index) {
        return s.of(x, index, new long[0], new long[0]);
    }
}
