package org.longhaul.ops.cuda;

import org.longhaul.ops.Ops;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/** The cross-entropy head against float64: in place, loss only, and cut into two vocabulary slices. */
final class LossChecks {
    private static final int IGNORE = -100;
    private static final double Z = 1e-3;
    private static final float SCALE = 0.375f;

    private LossChecks() {}

    private record Expected(double[] loss, double[] gradient, double zSum) {}

    private static Expected reference(double[] logits, int[] targets, int v) {
        double[] loss = new double[targets.length];
        double[] gradient = new double[logits.length];
        double zSum = 0;
        for (int c = 0; c < targets.length; c++) {
            if (targets[c] == IGNORE) {
                continue;
            }
            double max = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < v; i++) {
                max = Math.max(max, logits[c * v + i]);
            }
            double s = 0;
            for (int i = 0; i < v; i++) {
                s += Math.exp(logits[c * v + i] - max);
            }
            double lse = max + Math.log(s);
            loss[c] = lse - logits[c * v + targets[c]];
            zSum += lse * lse;
            for (int i = 0; i < v; i++) {
                double p = Math.exp(logits[c * v + i] - lse);
                gradient[c * v + i] = SCALE * (p * (1 + 2 * Z * lse) - (i == targets[c] ? 1 : 0));
            }
        }
        return new Expected(loss, gradient, zSum);
    }

    private static int[] targets(Workbench b, int rows, int v) {
        int[] t = new int[rows];
        for (int i = 0; i < rows; i++) {
            t[i] = i % 5 == 3 ? IGNORE : i == 0 ? v - 1 : i == 1 ? 0 : b.random().nextInt(v);
        }
        return t;
    }

    static double whole(Workbench b, int rows, int v, int shift) {
        Ops ops = b.backend().ops();
        String what = "crossEntropy C=" + rows + " V=" + v + (shift > 0 ? " unaligned" : "");
        Tensor logits = b.normalAt(shift, "logits", b.compute(), 3, rows, v);
        int[] t = targets(b, rows, v);
        Tensor targets = b.ints("targets", t);
        Tensor loss = b.poisoned("loss", DType.F32, rows);
        Tensor scale = b.of("scale", DType.F32, new float[] {SCALE}, 1);
        Tensor zSum = b.of("zSum", DType.F32, new float[] {2}, 1);
        Expected r = reference(b.values(logits), t, v);
        b.run(what, () -> ops.crossEntropyLoss(loss, logits, targets, IGNORE), loss);
        double e = b.compare(what + " loss only", loss, r.loss, 2e-6);
        b.run(what, () -> ops.crossEntropy(loss, logits, targets, scale, Z, IGNORE, zSum), loss, logits, zSum);
        e = Math.max(e, b.compare(what, loss, r.loss, 2e-6));
        e = Math.max(e, b.compare(what, zSum, new double[] {r.zSum + 2}, 2e-6));
        return Math.max(e, b.compare(what + " gradient", logits, r.gradient, b.bound()));
    }

    /** Two ranks with slices [0, cut) and [cut, v). */
    static double parallel(Workbench b, int rows, int v, int cut) {
        Ops ops = b.backend().ops();
        String what = "vocabulary-parallel crossEntropy C=" + rows + " V=" + v + " cut at " + cut;
        float[] all = new float[rows * v];
        for (int i = 0; i < all.length; i++) {
            all[i] = (float) (b.random().nextGaussian() * 3);
        }
        int[] t = targets(b, rows, v);
        Tensor targets = b.ints("targets", t);
        int[] first = {0, cut};
        int[] width = {cut, v - cut};
        Tensor[] logits = new Tensor[2];
        Tensor[][] statistics = new Tensor[2][];
        double[] rounded = new double[rows * v];
        double[] max = new double[rows];
        java.util.Arrays.fill(max, Double.NEGATIVE_INFINITY);
        for (int k = 0; k < 2; k++) {
            float[] slice = new float[rows * width[k]];
            for (int i = 0; i < slice.length; i++) {
                slice[i] = all[i / width[k] * v + first[k] + i % width[k]];
            }
            logits[k] = b.of("logits" + k, b.compute(), slice, rows, width[k]);
            double[] got = b.values(logits[k]);
            for (int i = 0; i < got.length; i++) {
                rounded[i / width[k] * v + first[k] + i % width[k]] = got[i];
            }
            statistics[k] = new Tensor[3];
            for (int j = 0; j < 3; j++) {
                statistics[k][j] = b.poisoned("statistic" + j, DType.F32, rows);
            }
            int rank = k;
            b.run(what, () -> ops.crossEntropyStatistics(statistics[rank][0], statistics[rank][1], statistics[rank][2], logits[rank],
                    targets, first[rank], IGNORE), statistics[k]);
            double[] m = b.values(statistics[k][0]);
            for (int i = 0; i < rows; i++) {
                max[i] = Math.max(max[i], m[i]);
            }
        }
        Tensor global = b.of("max", DType.F32, floats(max), rows);
        double[] sum = new double[rows];
        double[] target = new double[rows];
        for (int k = 0; k < 2; k++) {
            Tensor s = b.of("sums", DType.F32, floats(b.values(statistics[k][1])), rows);
            Tensor local = statistics[k][0];
            b.run(what, () -> ops.rescaleSums(s, local, global), s);
            sum = References.add(sum, b.values(s));
            target = References.add(target, b.values(statistics[k][2]));
        }
        Tensor sums = b.of("sum", DType.F32, floats(sum), rows);
        Tensor targetLogit = b.of("target", DType.F32, floats(target), rows);
        Tensor scale = b.of("scale", DType.F32, new float[] {SCALE}, 1);
        Expected r = reference(rounded, t, v);
        double e = 0;
        for (int k = 0; k < 2; k++) {
            Tensor loss = b.poisoned("loss", DType.F32, rows);
            Tensor zSum = b.of("zSum", DType.F32, new float[] {0}, 1);
            int rank = k;
            b.run(what, () -> ops.crossEntropyFromStatistics(loss, logits[rank], global, sums, targetLogit, targets, first[rank], scale, Z,
                    IGNORE, zSum), loss, logits[k], zSum);
            e = Math.max(e, b.compare(what, loss, r.loss, 2e-6));
            e = Math.max(e, b.compare(what, zSum, new double[] {r.zSum}, 2e-6));
            double[] g = new double[rows * width[k]];
            for (int i = 0; i < g.length; i++) {
                g[i] = r.gradient[i / width[k] * v + first[k] + i % width[k]];
            }
            e = Math.max(e, b.compare(what + " gradient", logits[k], g, b.bound()));
        }
        return e;
    }

    private static float[] floats(double[] d) {
        float[] f = new float[d.length];
        for (int i = 0; i < f.length; i++) {
            f[i] = (float) d[i];
        }
        return f;
    }
}
