package org.longhaul.ops.cuda;

import org.longhaul.ops.AdamWStep;
import org.longhaul.ops.AttentionShape;
import org.longhaul.ops.Ops;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/** Each fused operation against a float64 reference computed here. Every method returns the largest relative error seen. */
final class OpsChecks {
    private OpsChecks() {}

    static double norms(Workbench b, int rows, int width, int shift) {
        Ops ops = b.backend().ops();
        String what = "rmsNorm T=" + rows + " D=" + width + (shift > 0 ? " unaligned" : "");
        DType c = b.compute();
        double eps = 1e-5;
        Tensor x = b.normalAt(shift, "x", c, 2, rows, width);
        Tensor delta = b.normalAt(shift, "delta", c, 1, rows, width);
        Tensor w = b.normalAt(shift, "w", c, 1, width);
        Tensor sum = b.poisonedAt(shift, "sum", c, rows, width);
        Tensor y = b.poisonedAt(shift, "y", c, rows, width);
        Tensor rstd = b.poisoned("rstd", DType.F32, rows);
        double[] xs = b.values(x);
        double[] ws = b.values(w);
        double[] r = new double[rows];
        double[] yr = References.norm(xs, ws, r, eps);
        b.run(what, () -> ops.rmsNorm(y, rstd, x, w, eps), y, rstd);
        double e = Math.max(b.compare(what, y, yr, b.bound()), b.compare(what, rstd, r, 1e-6));
        double[] ss = References.add(xs, b.values(delta));
        b.run(what, () -> ops.addRmsNorm(sum, y, rstd, x, delta, w, eps), sum, y, rstd);
        e = Math.max(e, b.compare("add" + what, sum, ss, b.bound()));
        double[] stored = b.values(sum);
        e = Math.max(e, b.compare("add" + what, y, References.norm(stored, ws, r, eps), b.bound()));
        e = Math.max(e, b.compare("add" + what, rstd, r, 1e-6));
        // sum may be x
        b.run(what, () -> ops.addRmsNorm(x, y, rstd, x, delta, w, eps), x, y, rstd);
        return Math.max(e, b.compare("add" + what + " in place", x, ss, b.bound()));
    }

    static double normBackward(Workbench b, int rows, int width, int shift, int alias) {
        Ops ops = b.backend().ops();
        String what = "rmsNormBackward T=" + rows + " D=" + width + (shift > 0 ? " unaligned" : "") + " alias " + alias;
        DType c = b.compute();
        Tensor x = b.normalAt(shift, "x", c, 2, rows, width);
        Tensor dy = b.normalAt(shift, "dy", c, 1, rows, width);
        Tensor w = b.normalAt(shift, "w", c, 1, width);
        Tensor residual = alias == 0 ? null : b.normalAt(shift, "residual", c, 1, rows, width);
        Tensor dx = alias == 2 ? residual : alias == 3 ? dy : b.poisonedAt(shift, "dx", c, rows, width);
        Tensor dw = b.normalAt(shift, "dw", DType.F32, 1, width);
        double[] xs = b.values(x);
        double[] ws = b.values(w);
        double[] r = new double[rows];
        References.norm(xs, ws, r, 1e-5);
        float[] rf = new float[rows];
        for (int i = 0; i < rows; i++) {
            rf[i] = (float) r[i];
        }
        Tensor rstd = b.of("rstd", DType.F32, rf, rows);
        double[] dwr = b.values(dw);
        double[] dxr = References.normBackward(b.values(dy), xs, ws, r, residual == null ? null : b.values(residual), dwr);
        b.run(what, () -> ops.rmsNormBackward(dx, dw, dy, x, w, rstd, residual), dx, dw);
        return Math.max(b.compare(what, dx, dxr, b.bound()), b.compare(what, dw, dwr, 1e-5));
    }

    static double swiglu(Workbench b, int rows, int width, int shift) {
        Ops ops = b.backend().ops();
        String what = "swiglu T=" + rows + " F=" + width + (shift > 0 ? " unaligned" : "");
        DType c = b.compute();
        Tensor gateUp = b.normalAt(shift, "gateUp", c, 2, rows, 2L * width);
        Tensor dh = b.normalAt(shift, "dh", c, 1, rows, width);
        Tensor h = b.poisonedAt(shift, "h", c, rows, width);
        Tensor d = b.poisonedAt(shift, "dGateUp", c, rows, 2L * width);
        double[] gs = b.values(gateUp);
        double[] hr = new double[rows * width];
        double[] dr = References.swigluBackward(gs, b.values(dh), hr, width);
        b.run(what, () -> ops.swiglu(h, gateUp), h);
        double e = b.compare(what, h, hr, b.bound());
        b.run(what, () -> ops.swigluBackward(d, null, dh, gateUp), d);
        e = Math.max(e, b.compare(what + " backward", d, dr, b.bound()));
        b.run(what, () -> ops.swigluBackward(gateUp, h, dh, gateUp), gateUp, h);
        e = Math.max(e, b.compare(what + " backward in place", gateUp, dr, b.bound()));
        return Math.max(e, b.compare(what + " recompute", h, hr, b.bound()));
    }

    static double rope(Workbench b, AttentionShape shape) {
        Ops ops = b.backend().ops();
        String what = "rope of " + shape;
        long half = shape.headDim() / 2;
        Tensor qkv = b.normal("qkv", b.compute(), 1, shape.tokens(), shape.qkvWidth());
        float[][] angles = References.angles(shape, 10_000);
        Tensor cos = b.of("cos", DType.F32, angles[0], shape.sequence(), half);
        Tensor sin = b.of("sin", DType.F32, angles[1], shape.sequence(), half);
        double[] reference = References.rope(b.values(qkv), b.values(cos), b.values(sin), shape, 1);
        b.run(what, () -> ops.rope(qkv, cos, sin, shape), qkv);
        return b.compare(what, qkv, reference, b.bound());
    }

    /** The gathering of an attention backend's gradients, laid out [B, heads, S, headDim] (by heads) or [B, S, heads, headDim]. */
    static double ropePack(Workbench b, RopeKernels kernels, AttentionShape shape, boolean byHeads, boolean expanded) {
        String what = "ropeBackwardPack of " + shape + (byHeads ? " by heads" : "") + (expanded ? " expanded" : "");
        int kv = expanded ? shape.heads() : shape.kvHeads();
        int d = shape.headDim();
        int s = shape.sequence();
        DType c = b.compute();
        Tensor dq = b.normal("dq", c, 1, shape.tokens(), (long) shape.heads() * d);
        Tensor dk = b.normal("dk", c, 1, shape.tokens(), (long) kv * d);
        Tensor dv = b.normal("dv", c, 1, shape.tokens(), (long) kv * d);
        float[][] angles = References.angles(shape, 10_000);
        Tensor cos = b.of("cos", DType.F32, angles[0], s, d / 2);
        Tensor sin = b.of("sin", DType.F32, angles[1], s, d / 2);
        Tensor out = b.poisoned("dqkv", c, shape.tokens(), shape.qkvWidth());
        double[] reference = References.pack(b.values(dq), b.values(dk), b.values(dv), shape, byHeads, expanded);
        reference = References.rope(reference, b.values(cos), b.values(sin), shape, -1);
        b.run(what, () -> kernels.backwardPack(out, strided(dq, shape.heads(), s, d, byHeads), strided(dk, kv, s, d, byHeads),
                strided(dv, kv, s, d, byHeads), cos, sin, shape, expanded), out);
        return b.compare(what, out, reference, b.bound());
    }

    private static RopeKernels.Strided strided(Tensor t, long heads, long s, long d, boolean byHeads) {
        return byHeads
                ? new RopeKernels.Strided(t.address(), heads * s * d, d, s * d)
                : new RopeKernels.Strided(t.address(), heads * s * d, heads * d, d);
    }

    static double embedding(Workbench b, int tokens, int vocabulary, int width, long firstRow, boolean repeats) {
        Ops ops = b.backend().ops();
        String what = "embedding T=" + tokens + " V=" + vocabulary + " D=" + width + " from " + firstRow;
        int[] id = new int[tokens];
        for (int i = 0; i < tokens; i++) {
            // a range wider than the table on both sides; with repeats a few ids make up most of it
            id[i] = repeats && b.random().nextInt(4) > 0
                    ? (int) firstRow + b.random().nextInt(Math.min(3, vocabulary))
                    : (int) Math.max(0, firstRow - 5) + b.random().nextInt(vocabulary + 10);
        }
        Tensor ids = b.ints("ids", id);
        DType c = b.compute();
        Tensor w = b.normal("w", c, 1, vocabulary, width);
        Tensor x = b.poisoned("x", c, tokens, width);
        b.run(what, () -> ops.embedding(x, w, ids, firstRow), x);
        double[] ws = b.values(w);
        double[] xr = new double[tokens * width];
        Tensor dw = b.normal("dw", DType.F32, 1, vocabulary, width);
        Tensor dx = b.normal("dx", c, 1, tokens, width);
        double[] dwr = b.values(dw);
        double[] dxs = b.values(dx);
        for (int t = 0; t < tokens; t++) {
            long row = id[t] - firstRow;
            if (row >= 0 && row < vocabulary) {
                for (int j = 0; j < width; j++) {
                    xr[t * width + j] = ws[(int) row * width + j];
                    dwr[(int) row * width + j] += dxs[t * width + j];
                }
            }
        }
        double e = b.compare(what, x, xr, 0);
        b.run(what, () -> ops.embeddingBackward(dw, dx, ids, firstRow), dw);
        return Math.max(e, b.compare(what + " backward", dw, dwr, 2e-6));
    }

    /** Up or down to the next of bfloat16's 7 stored bits, and the rounding of the arithmetic before. */
    private static final double STOCHASTIC = 0x1p-7 + 1e-5;

    static double adamW(Workbench b, int n, DType moments, boolean finite) {
        Ops ops = b.backend().ops();
        String what = "adamW n=" + n + " moments " + moments + (finite ? "" : " not finite");
        Tensor master = b.normal("master", DType.F32, 1, n);
        Tensor gradient = b.normal("gradient", DType.F32, 1, n);
        Tensor m = b.normal("m", moments, 0.1, n);
        float[] squares = new float[n];
        for (int i = 0; i < n; i++) {
            squares[i] = b.random().nextFloat();
        }
        Tensor v = b.of("v", moments, squares, n);
        // As in training the copy is the rounded master, so writing it again where nothing changes is no change.
        Tensor weights = finite ? b.normal("weights", b.compute(), 1, n)
                : b.of("weights", b.compute(), org.longhaul.tensor.Host.floats(b.backend(), master), n);
        Tensor clip = b.of("clip", DType.F32, new float[] {0.5f, 2, finite ? 1 : 0}, 3);
        AdamWStep step = new AdamWStep(3e-2, 0.9, 0.95, 1e-8, 0.1, 7);
        double[] p = b.values(master);
        double[] pm = b.values(m);
        double[] pv = b.values(v);
        double[] pw = b.values(weights);
        double[] g = b.values(gradient);
        double[] momentSize = new double[n];
        double[] masterSize = new double[n];
        for (int i = 0; i < n; i++) {
            momentSize[i] = step.beta1() * Math.abs(pm[i]) + (1 - step.beta1()) * 0.5 * Math.abs(g[i]);
            masterSize[i] = Math.abs(p[i]) + step.learningRate();
        }
        if (finite) {
            References.adamW(step, p, g, pm, pv, 0.5);
            pw = p;
        }
        b.run(what, () -> ops.adamW(step, master, gradient, m, v, weights, clip), master, m, v, weights);
        boolean exact = moments == DType.F32;
        double e = b.compare(what + " moment", m, pm, momentSize, exact ? 1e-6 : STOCHASTIC);
        e = Math.max(e, b.compare(what + " moment", v, pv, exact ? 1e-6 : STOCHASTIC));
        e = Math.max(e, b.compare(what + " weights", weights, pw, masterSize, b.bound()));
        return Math.max(e, b.compare(what + " master", master, p, masterSize, 1e-6));
    }

    static double flat(Workbench b, int n, int shift) {
        Ops ops = b.backend().ops();
        String what = "flat n=" + n + (shift > 0 ? " unaligned" : "");
        DType c = b.compute();
        Tensor x = b.normalAt(shift, "x", c, 1, n);
        Tensor delta = b.normalAt(shift, "delta", c, 1, n);
        Tensor y = b.poisonedAt(shift, "y", c, n);
        double[] sum = References.add(b.values(x), b.values(delta));
        b.run(what, () -> ops.add(y, x, delta), y);
        double e = b.compare("add " + what, y, sum, b.bound());
        Tensor f = b.normalAt(shift, "f", DType.F32, 1, n);
        Tensor g = b.normalAt(shift, "g", DType.F32, 1, n);
        double[] gs = b.values(g);
        double squares = 3;
        double total = 3;
        double size = 0;
        for (int i = 0; i < n; i++) {
            squares += gs[i] * gs[i];
            total += gs[i];
            size += Math.abs(gs[i]);
        }
        Tensor out = b.of("out", DType.F32, new float[] {3}, 1);
        b.run(what, () -> ops.sumOfSquares(out, g), out);
        e = Math.max(e, b.compare("sumOfSquares " + what, out, new double[] {squares}, 2e-6));
        Tensor out2 = b.of("out2", DType.F32, new float[] {3}, 1);
        b.run(what, () -> ops.sum(out2, g), out2);
        if (!(Math.abs(b.values(out2)[0] - total) <= 1e-6 * (size + 3))) {
            throw new AssertionError("sum " + what + ": " + b.values(out2)[0] + ", not " + total);
        }
        Tensor h = b.poisonedAt(shift, "bf16", DType.BF16, n);
        b.run(what, () -> ops.cast(h, f), h);
        double[] fs = b.values(f);
        double[] now = fs.clone();
        for (int i = 0; i < n; i++) {
            now[i] = Float.intBitsToFloat(org.longhaul.tensor.Host.bfloat16((float) now[i]) << 16);
        }
        b.compare("cast " + what, h, now, 0);
        b.run(what, () -> ops.cast(g, f), g);
        b.compare("copy " + what, g, fs, 0);
        return e;
    }

    static void clip(Workbench b) {
        Ops ops = b.backend().ops();
        double[][] cases = {{4, 1, 1 / (2 + 1e-6), 2, 1}, {0.25, 1, 1, 0.5, 1}, {9, 0, 1, 3, 1},
            {Double.POSITIVE_INFINITY, 1, 1, Double.POSITIVE_INFINITY, 0},
            {Double.NaN, 1, 1, Double.NaN, 0}};
        for (double[] k : cases) {
            Tensor squares = b.of("squares", DType.F32, new float[] {(float) k[0]}, 1);
            Tensor clip = b.poisoned("clip", DType.F32, 3);
            b.run("clipFactor", () -> ops.clipFactor(clip, squares, k[1]), clip);
            double[] got = b.values(clip);
            boolean right = k[4] == 0 ? got[2] == 0 && !Double.isFinite(got[1])
                    : Math.abs(got[0] - k[2]) < 1e-6 && Math.abs(got[1] - k[3]) < 1e-6 && got[2] == 1;
            if (!right) {
                throw new AssertionError("clipFactor of " + k[0] + " at most " + k[1] + ": " + java.util.Arrays.toString(got));
            }
        }
    }
}
