package org.longhaul.ops.cuda;

import org.longhaul.cuda.CudaBackend;
import org.longhaul.natives.CudnnAttention;
import org.longhaul.ops.AttentionShape;
import org.longhaul.ops.Ops;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/** Matrix products and attention of a device against float64. */
final class MatrixChecks {
    private MatrixChecks() {}

    static double linear(Workbench b, int t, int k, int n) {
        Ops ops = b.backend().ops();
        String what = "linear T=" + t + " K=" + k + " N=" + n;
        DType c = b.compute();
        Tensor x = b.normal("x", c, 1, t, k);
        Tensor w = b.normal("w", c, 1, n, k);
        Tensor dy = b.normal("dy", c, 1, t, n);
        double[] xs = b.values(x);
        double[] ws = b.values(w);
        double[] ds = b.values(dy);
        Tensor y = b.poisoned("y", c, t, n);
        b.run(what, () -> ops.linear(y, x, w), y);
        double e = b.compare(what, y, product(xs, false, ws, true, t, n, k), b.bound());
        Tensor residual = b.normal("residual", c, 3, t, n);
        double[] rs = b.values(residual);
        double[] more0 = References.add(rs, product(xs, false, ws, true, t, n, k));
        Tensor added = b.poisoned("sum", c, t, n);
        b.run(what, () -> ops.linear(added, x, w, residual), added);
        e = Math.max(e, b.compare(what + " and a residual", added, more0, b.bound()));
        Tensor inPlace = b.normal("sum in place", c, 3, t, n);
        double[] more1 = References.add(b.values(inPlace), product(xs, false, ws, true, t, n, k));
        b.run(what, () -> ops.linear(inPlace, x, w, inPlace), inPlace);
        e = Math.max(e, b.compare(what + " and a residual in place", inPlace, more1, b.bound()));
        Tensor dx = b.poisoned("dx", c, t, k);
        double[] dxr = product(ds, false, ws, false, t, k, n);
        b.run(what, () -> ops.linearBackwardInput(dx, dy, w, false), dx);
        e = Math.max(e, b.compare(what + " dx", dx, dxr, b.bound()));
        Tensor sum = b.normal("sum", c, 1, t, k);
        double[] more = References.add(b.values(sum), dxr);
        b.run(what, () -> ops.linearBackwardInput(sum, dy, w, true), sum);
        e = Math.max(e, b.compare(what + " dx added", sum, more, b.bound()));
        Tensor dw = b.poisoned("dw", DType.F32, n, k);
        double[] dwr = product(ds, true, xs, false, n, k, t);
        b.run(what, () -> ops.linearBackwardWeight(dw, dy, x, false), dw);
        e = Math.max(e, b.compare(what + " dw", dw, dwr, 1e-5));
        Tensor dws = b.normal("dw sum", DType.F32, 1, n, k);
        double[] moreW = References.add(b.values(dws), dwr);
        b.run(what, () -> ops.linearBackwardWeight(dws, dy, x, true), dws);
        return Math.max(e, b.compare(what + " dw added", dws, moreW, 1e-5));
    }

    /** op(A)·op(B), [m,n] over k; a transposed A is [k,m], a transposed B [n,k]. */
    static double[] product(double[] a, boolean ta, double[] b, boolean tb, int m, int n, int k) {
        double[] c = new double[m * n];
        for (int i = 0; i < m; i++) {
            for (int p = 0; p < k; p++) {
                double v = ta ? a[p * m + i] : a[i * k + p];
                for (int j = 0; j < n; j++) {
                    c[i * n + j] += v * (tb ? b[j * k + p] : b[p * n + j]);
                }
            }
        }
        return c;
    }

    static double attention(Workbench b, AttentionShape s) {
        return attention(b, new ByOps(b.backend().ops()), s, null);
    }

    /** Within documents of odd lengths, single tokens and whole sequences among them. */
    static double documents(Workbench b, AttentionShape s, int longest) {
        return attention(b, new ByOps(b.backend().ops()), s, DocumentStarts.random(b.random(), s.batch(), s.sequence(), longest));
    }

    /** The same by cuDNN, with documents masked or in runs, whichever would be chosen. */
    static double documents(Workbench b, boolean runs, boolean ordered, AttentionShape s, int longest) {
        CudaBackend gpu = (CudaBackend) b.backend();
        try (CudnnAttention cudnn = new CudnnAttention(gpu.device(), gpu.computeStream(), ordered)) {
            if (runs && !cudnn.doesRuns(s)) {
                System.out.println("not checked: attention in runs of documents is for another GPU or cuDNN than " + gpu.device().name() + " and " + CudnnAttention.version());
                return 0;
            }
            return attention(b, new ByCudnn(cudnn, runs), s, DocumentStarts.random(b.random(), s.batch(), s.sequence(), longest));
        }
    }

    /** Attention whose gradient may or may not be turned back. */
    private interface Attention {
        void forward(Tensor out, Tensor lse, Tensor qkv, Tensor documents, AttentionShape s);

        void backward(Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Tensor cos, Tensor sin, Tensor documents, AttentionShape s);

        boolean turnsBack();
    }

    private record ByOps(Ops ops) implements Attention {
        @Override
        public void forward(Tensor out, Tensor lse, Tensor qkv, Tensor documents, AttentionShape s) {
            ops.attention(out, lse, qkv, documents, s);
        }

        @Override
        public void backward(
                Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Tensor cos, Tensor sin, Tensor documents, AttentionShape s) {
            ops.attentionBackward(dqkv, dout, qkv, out, lse, cos, sin, documents, s);
        }

        @Override
        public boolean turnsBack() {
            return true;
        }
    }

    private record ByCudnn(CudnnAttention cudnn, boolean runs) implements Attention {
        @Override
        public void forward(Tensor out, Tensor lse, Tensor qkv, Tensor documents, AttentionShape s) {
            cudnn.forward(out, lse, qkv, documents, runs, s);
        }

        @Override
        public void backward(
                Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Tensor cos, Tensor sin, Tensor documents, AttentionShape s) {
            cudnn.backward(dqkv, dout, qkv, out, lse, documents, runs, s);
        }

        @Override
        public boolean turnsBack() {
            return false;
        }
    }

    private static double attention(Workbench b, Attention by, AttentionShape s, int[] starts) {
        String what = "attention " + s + (starts == null ? "" : " within documents by " + by);
        Tensor documents = starts == null ? null : b.ints("documents", DocumentStarts.index(s, starts));
        DType c = b.compute();
        int half = s.headDim() / 2;
        float[][] angles = References.angles(s, 10_000);
        Tensor cos = b.of("cos", DType.F32, angles[0], s.sequence(), half);
        Tensor sin = b.of("sin", DType.F32, angles[1], s.sequence(), half);
        Tensor qkv = b.normal("qkv", c, 1, s.tokens(), s.qkvWidth());
        Tensor dout = b.normal("dout", c, 1, s.tokens(), s.outWidth());
        Tensor out = b.poisoned("out", c, s.tokens(), s.outWidth());
        Tensor lse = b.poisoned("lse", DType.F32, s.batch(), s.heads(), s.sequence());
        double[] q = b.values(qkv);
        double[] o = new double[(int) (s.tokens() * s.outWidth())];
        double[] l = new double[(int) (s.tokens() * s.heads())];
        double[] dq = new double[q.length];
        naive(s, starts, q, b.values(dout), o, l, dq);
        // Inside the kernels probabilities are rounded to the compute type before they are multiplied.
        double bound = c == DType.BF16 ? 1e-2 : 1e-5;
        b.run(what, () -> by.forward(out, lse, qkv, documents, s), out, lse);
        double e = b.compare(what, out, o, bound);
        b.compare(what + " lse", lse, l, c == DType.BF16 ? 1e-4 : 1e-5);
        Tensor dqkv = b.poisoned("dqkv", c, s.tokens(), s.qkvWidth());
        double[] turned = by.turnsBack() ? References.rope(dq, b.values(cos), b.values(sin), s, -1) : dq;
        b.runOnce(() -> by.backward(dqkv, dout, qkv, out, lse, cos, sin, documents, s));
        e = Math.max(e, b.compare(what + " backward", dqkv, turned, bound));
        if (documents != null) {
            isolated(b, what, by, s, starts, documents, qkv, out, lse);
        }
        return e;
    }

    // What the first document of each sequence sees does not change by a bit with what all others hold.
    private static void isolated(
            Workbench b, String what, Attention by, AttentionShape s, int[] starts, Tensor documents, Tensor qkv, Tensor out, Tensor lse) {
        double[] before = b.values(out);
        double[] values = b.values(qkv);
        float[] changed = new float[values.length];
        int w = (int) s.qkvWidth();
        for (int i = 0; i < changed.length; i++) {
            changed[i] = (float) (starts[i / w] == 0 ? values[i] : -3 * values[i]);
        }
        Host.put(b.backend(), qkv, changed);
        by.forward(out, lse, qkv, documents, s);
        double[] after = b.values(out);
        int ow = (int) s.outWidth();
        for (int i = 0; i < after.length; i++) {
            if (starts[i / ow] == 0 && before[i] != after[i]) {
                throw new AssertionError(what + ": token " + i / ow + " sees another document");
            }
        }
    }

    // Softmax attention by its definition and the derivative of each step; starts may be null.
    static void naive(AttentionShape s, int[] starts, double[] qkv, double[] dout, double[] out, double[] lse, double[] d) {
        int hd = s.headDim();
        int w = (int) s.qkvWidth();
        int ow = (int) s.outWidth();
        int group = s.heads() / s.kvHeads();
        double scale = 1 / Math.sqrt(hd);
        double[] p = new double[s.sequence()];
        double[] dp = new double[s.sequence()];
        for (int b = 0; b < s.batch(); b++) {
            for (int h = 0; h < s.heads(); h++) {
                int kc = ow + h / group * hd;
                int vc = kc + s.kvHeads() * hd;
                for (int i = 0; i < s.sequence(); i++) {
                    int qi = (b * s.sequence() + i) * w + h * hd;
                    int first = starts == null ? 0 : starts[b * s.sequence() + i];
                    int oi = (b * s.sequence() + i) * ow + h * hd;
                    double max = Double.NEGATIVE_INFINITY;
                    for (int j = first; j <= i; j++) {
                        int row = (b * s.sequence() + j) * w;
                        p[j] = 0;
                        for (int x = 0; x < hd; x++) {
                            p[j] += qkv[qi + x] * qkv[row + kc + x] * scale;
                        }
                        max = Math.max(max, p[j]);
                    }
                    double sum = 0;
                    for (int j = first; j <= i; j++) {
                        sum += Math.exp(p[j] - max);
                    }
                    lse[(b * s.heads() + h) * s.sequence() + i] = max + Math.log(sum);
                    double dot = 0;
                    for (int j = first; j <= i; j++) {
                        int row = (b * s.sequence() + j) * w;
                        p[j] = Math.exp(p[j] - max) / sum;
                        dp[j] = 0;
                        for (int x = 0; x < hd; x++) {
                            out[oi + x] += p[j] * qkv[row + vc + x];
                            dp[j] += dout[oi + x] * qkv[row + vc + x];
                        }
                        dot += p[j] * dp[j];
                    }
                    for (int j = first; j <= i; j++) {
                        int row = (b * s.sequence() + j) * w;
                        double ds = p[j] * (dp[j] - dot) * scale;
                        for (int x = 0; x < hd; x++) {
                            d[row + vc + x] += p[j] * dout[oi + x];
                            d[qi + x] += ds * qkv[row + kc + x];
                            d[row + kc + x] += ds * qkv[qi + x];
                        }
                    }
                }
            }
        }
    }
}
