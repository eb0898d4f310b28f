package org.longhaul.ops.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.longhaul.ops.Ops;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/** Quantisation to 8-bit floats against the definition of the formats, and linear layers made of it. */
final class Fp8Checks {
    private Fp8Checks() {}

    /** The value of a byte. */
    static double decode(int bits, DType type) {
        int mantissaBits = type == DType.F8_E4M3 ? 3 : 2;
        int bias = type == DType.F8_E4M3 ? 7 : 15;
        int exponent = (bits & 0x7f) >> mantissaBits;
        int mantissa = bits & ((1 << mantissaBits) - 1);
        double value = exponent == 0
                ? Math.scalb((double) mantissa, 1 - bias - mantissaBits)
                : Math.scalb(1 + (double) mantissa / (1 << mantissaBits), exponent - bias);
        boolean special = type == DType.F8_E4M3 ? (bits & 0x7f) == 0x7f : exponent == 31;
        return special ? Double.NaN : (bits & 0x80) != 0 ? -value : value;
    }

    static double[] decoded(Backend backend, Tensor t) {
        ByteBuffer bytes = ByteBuffer.allocateDirect((int) t.bytes()).order(ByteOrder.nativeOrder());
        backend.download(bytes, t);
        double[] d = new double[(int) t.elements()];
        for (int i = 0; i < d.length; i++) {
            d[i] = decode(bytes.get(i) & 0xff, t.dtype());
        }
        return d;
    }

    static double quantise(Workbench b, Fp8Kernels kernels, int rows, int columns, DType type, double deviation) {
        String what = "quantise " + rows + "×" + columns + " " + type;
        Tensor x = b.normal("x", b.compute(), deviation, rows, columns);
        Tensor q = b.poisoned("q", type, rows, columns);
        Tensor t = b.poisoned("turned", type, columns, rows);
        Tensor scale = b.poisoned("scale", DType.F32, 1);
        Tensor inverse = b.poisoned("inverse", DType.F32, 1);
        b.run(what, () -> kernels.quantise(q, t, x, scale, inverse), q, t, scale, inverse);
        double[] xs = b.values(x);
        double[] qs = decoded(b.backend(), q);
        double[] ts = decoded(b.backend(), t);
        double amax = 0;
        for (double v : xs) {
            amax = Math.max(amax, Math.abs(v));
        }
        double largest = type == DType.F8_E4M3 ? 448 : 57344;
        double[] s = {b.values(scale)[0], b.values(inverse)[0]};
        if (amax > 0 && (Math.abs(s[0] * amax / largest - 1) > 1e-6 || Math.abs(s[0] * s[1] - 1) > 1e-6)) {
            throw new AssertionError(what + ": scales " + s[0] + ", " + s[1] + " for a largest value of " + amax);
        }
        // A half step of the mantissa, or of the smallest subnormal.
        double relative = type == DType.F8_E4M3 ? 1.0 / 16 : 1.0 / 8;
        double tiny = Math.scalb(1.0, type == DType.F8_E4M3 ? -10 : -17);
        double worst = 0;
        for (int i = 0; i < xs.length; i++) {
            double exact = xs[i] * s[0];
            double error = Math.abs(qs[i] - exact);
            if (!(error <= Math.max(relative * Math.abs(exact), tiny) * (1 + 1e-6))) {
                throw new AssertionError(what + ": " + exact + " became " + qs[i]);
            }
            if (qs[i] != ts[i % columns * rows + i / columns]) {
                throw new AssertionError(what + ": turned copy differs at " + i);
            }
            worst = Math.max(worst, error / Math.max(Math.abs(exact), 1));
        }
        return worst;
    }

    /** fp8 layers on a GPU: the error of products of 8-bit operands averages out over the sum. */
    static double linear(Workbench b, Ops ops, int t, int k, int n) {
        String what = "fp8 linear T=" + t + " K=" + k + " N=" + n;
        DType c = b.compute();
        Tensor x = b.normal("x", c, 1, t, k);
        Tensor w = b.normal("w", c, 0.02, n, k);
        Tensor dy = b.normal("dy", c, 1e-4, t, n);
        Tensor y = b.poisoned("y", c, t, n);
        Tensor dx = b.poisoned("dx", c, t, k);
        Tensor dw = b.normal("dw", DType.F32, 1e-4, n, k);
        double[] xs = b.values(x);
        double[] ws = b.values(w);
        double[] ds = b.values(dy);
        b.run(what, () -> ops.linear(y, x, w), y);
        double e = b.compare(what, y, MatrixChecks.product(xs, false, ws, true, t, n, k), 0.06);
        Tensor residual = b.normal("residual", c, 0.5, t, n);
        Tensor sum = b.poisoned("sum", c, t, n);
        b.run(what, () -> ops.linear(sum, x, w, residual), sum);
        e = Math.max(e, b.compare(what + " and a residual", sum,
                References.add(b.values(residual), MatrixChecks.product(xs, false, ws, true, t, n, k)), 0.06));
        double[] start = b.values(dw);
        b.run(what, () -> {
            ops.linearBackwardInput(dx, dy, w, false);
            ops.linearBackwardWeight(dw, dy, x, true);
        }, dx, dw);
        e = Math.max(e, b.compare(what + " dx", dx, MatrixChecks.product(ds, false, ws, false, t, k, n), 0.1));
        return Math.max(e, b.compare(what + " dw", dw,
                References.add(start, MatrixChecks.product(ds, true, xs, false, n, k, t)), 0.1));
    }

    /** Two layers and two micro-batches, in the order of a decoder block: what is kept for a layer must not serve another. */
    static double twoLayers(Workbench b, Ops ops, int t, int d, int f) {
        String what = "two fp8 layers T=" + t + " D=" + d + " F=" + f;
        DType c = b.compute();
        Tensor up = b.normal("up", c, 0.05, f, d);
        Tensor down = b.normal("down", c, 0.05, d, f);
        Tensor dUp = b.poisoned("dUp", DType.F32, f, d);
        Tensor dDown = b.poisoned("dDown", DType.F32, d, f);
        double[] dUpR = new double[f * d];
        double[] dDownR = new double[f * d];
        double e = 0;
        for (int micro = 0; micro < 2; micro++) {
            boolean accumulate = micro > 0;
            Tensor x = b.normal("x", c, 1 + micro, t, d);
            Tensor h = b.poisoned("h", c, t, f);
            Tensor y = b.poisoned("y", c, t, d);
            Tensor dy = b.normal("dy", c, 1e-3 * (1 + 3 * micro), t, d);
            Tensor dh = b.poisoned("dh", c, t, f);
            Tensor dx = b.poisoned("dx", c, t, d);
            ops.linear(h, x, up);
            ops.linear(y, h, down);
            ops.linearBackwardInput(dh, dy, down, false);
            ops.linearBackwardWeight(dDown, dy, h, accumulate);
            ops.linearBackwardInput(dx, dh, up, false);
            ops.linearBackwardWeight(dUp, dh, x, accumulate);
            double[] hs = b.values(h);
            double[] dhs = b.values(dh);
            double[] dys = b.values(dy);
            e = Math.max(e, b.compare(what, y, MatrixChecks.product(hs, false, b.values(down), true, t, d, f), 0.06));
            e = Math.max(e, b.compare(what, dx, MatrixChecks.product(dhs, false, b.values(up), false, t, d, f), 0.1));
            dDownR = References.add(dDownR, MatrixChecks.product(dys, true, hs, false, d, f, t));
            dUpR = References.add(dUpR, MatrixChecks.product(dhs, true, b.values(x), false, f, d, t));
        }
        e = Math.max(e, b.compare(what, dDown, dDownR, 0.1));
        return Math.max(e, b.compare(what, dUp, dUpR, 0.1));
    }
}
