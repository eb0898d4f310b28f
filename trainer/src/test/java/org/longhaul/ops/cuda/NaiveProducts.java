package org.longhaul.ops.cuda;

import org.longhaul.ops.AttentionShape;
import org.longhaul.ops.Ops;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/** The fused kernels of a provider, with matrix products and attention written out in float64: what a GPU adds for small models. */
final class NaiveProducts extends KernelOps {
    private final Backend backend;
    private final KernelProvider provider;
    private Fp8Ops fp8;

    NaiveProducts(Backend backend, KernelProvider provider) {
        super(provider);
        this.backend = backend;
        this.provider = provider;
    }

    @Override
    public Ops inFp8() {
        if (fp8 == null) {
            fp8 = new Fp8Ops(backend, this, new Fp8Kernels(provider, reduceKernels()), this::scaled);
        }
        return fp8;
    }

    private void scaled(Tensor d, Tensor c, Tensor a, Tensor scaleA, Tensor b, Tensor scaleB) {
        double scale = (double) Host.floats(backend, scaleA)[0] * Host.floats(backend, scaleB)[0];
        double[] as = Fp8Checks.decoded(backend, a);
        for (int i = 0; i < as.length; i++) {
            as[i] *= scale;
        }
        put(d, MatrixChecks.product(
                as, false, Fp8Checks.decoded(backend, b), true, (int) a.size(0), (int) b.size(0), (int) a.size(1)), c);
    }

    @Override
    public void linear(Tensor y, Tensor x, Tensor w) {
        put(y, MatrixChecks.product(values(x), false, values(w), true, (int) y.size(0), (int) y.size(1), (int) x.size(1)), null);
    }

    @Override
    public void linear(Tensor y, Tensor x, Tensor w, Tensor residual) {
        put(y, MatrixChecks.product(values(x), false, values(w), true, (int) y.size(0), (int) y.size(1), (int) x.size(1)), residual);
    }

    @Override
    public void linearBackwardInput(Tensor dx, Tensor dy, Tensor w, boolean accumulate) {
        put(dx, MatrixChecks.product(values(dy), false, values(w), false, (int) dx.size(0), (int) dx.size(1), (int) dy.size(1)), accumulate ? dx : null);
    }

    @Override
    public void linearBackwardWeight(Tensor dw, Tensor dy, Tensor x, boolean accumulate) {
        put(dw, MatrixChecks.product(values(dy), true, values(x), false, (int) dw.size(0), (int) dw.size(1), (int) x.size(0)), accumulate ? dw : null);
    }

    @Override
    public void attention(Tensor out, Tensor lse, Tensor qkv, Tensor documents, AttentionShape shape) {
        double[] o = new double[(int) out.elements()];
        double[] l = new double[(int) lse.elements()];
        double[] q = values(qkv);
        MatrixChecks.naive(shape, starts(documents), q, new double[o.length], o, l, new double[q.length]);
        put(out, o, null);
        put(lse, l, null);
    }

    @Override
    public void attentionBackward(
            Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Tensor cos, Tensor sin, Tensor documents, AttentionShape shape) {
        double[] q = values(qkv);
        double[] d = new double[q.length];
        MatrixChecks.naive(shape, starts(documents), q, values(dout), new double[(int) out.elements()], new double[(int) lse.elements()], d);
        put(dqkv, d, null);
        ropeKernels().rotate(dqkv, cos, sin, shape, true);
    }

    private int[] starts(Tensor documents) {
        return documents == null ? null : Workbench.ints(backend, documents);
    }

    private double[] values(Tensor t) {
        float[] f = Host.floats(backend, t);
        double[] d = new double[f.length];
        for (int i = 0; i < d.length; i++) {
            d[i] = f[i];
        }
        return d;
    }

    private void put(Tensor t, double[] values, Tensor addend) {
        float[] f = addend != null ? Host.floats(backend, addend) : new float[values.length];
        for (int i = 0; i < f.length; i++) {
            f[i] += (float) values[i];
        }
        Host.put(backend, t, f);
    }
}
