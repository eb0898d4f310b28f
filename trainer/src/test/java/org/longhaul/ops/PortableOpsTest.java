package org.longhaul.ops;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.longhaul.tensor.DType.F32;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.longhaul.natives.CpuBackend;
import org.longhaul.ops.cuda.DocumentStarts;
import org.longhaul.tensor.Tensor;

/** Forward formulas, reductions and the optimizer against plain loops in double; gradients are compared on the whole model. */
class PortableOpsTest {
    private final Fixture f = new Fixture(new CpuBackend(1), 1);
    private final Ops ops = f.backend().ops();

    @AfterEach
    void close() {
        f.close();
        f.backend().close();
    }

    @Test
    void linear() {
        Tensor x = f.random(F32, 1, 5, 7);
        Tensor w = f.random(F32, 1, 3, 7);
        Tensor y = f.poisoned(F32, 5, 3);
        ops.linear(y, x, w);
        float[] a = f.floats(x);
        float[] b = f.floats(w);
        double[] want = new double[15];
        for (int t = 0; t < 5; t++) {
            for (int n = 0; n < 3; n++) {
                for (int k = 0; k < 7; k++) {
                    want[t * 3 + n] += a[t * 7 + k] * b[n * 7 + k];
                }
            }
        }
        near(want, f.floats(y), 1e-6);
    }

    @Test
    void wrongShapesAreNamed() {
        Tensor x = f.random(F32, 1, 5, 7);
        Tensor w = f.random(F32, 1, 3, 8);
        Tensor y = f.poisoned(F32, 5, 3);
        assertThrows(IllegalArgumentException.class, () -> ops.linear(y, x, w));
    }

    @Test
    void embeddingTakesOnlyThisRanksRows() {
        Tensor w = f.of(F32, new float[] {1, 2, 3, 4, 5, 6}, 3, 2);
        Tensor x = f.poisoned(F32, 4, 2);
        Tensor ids = f.ints(10, 12, 9, 13);
        ops.embedding(x, w, ids, 10);
        assertArrayEquals(new float[] {1, 2, 5, 6, 0, 0, 0, 0}, f.floats(x));
        Tensor dw = f.of(F32, new float[6], 3, 2);
        Tensor dx = f.of(F32, new float[] {1, 1, 2, 2, 4, 4, 8, 8}, 4, 2);
        ops.embeddingBackward(dw, dx, f.ints(10, 10, 9, 12), 10);
        assertArrayEquals(new float[] {3, 3, 0, 0, 8, 8}, f.floats(dw));
    }

    @Test
    void norm() {
        Tensor x = f.random(F32, 2, 3, 8);
        Tensor delta = f.random(F32, 2, 3, 8);
        Tensor w = f.random(F32, 1, 8);
        Tensor y = f.poisoned(F32, 3, 8);
        Tensor rstd = f.poisoned(F32, 3);
        float[] xs = f.floats(x);
        float[] ds = f.floats(delta);
        float[] ws = f.floats(w);
        ops.addRmsNorm(x, y, rstd, x, delta, w, 1e-6);
        double[] want = new double[24];
        for (int t = 0; t < 3; t++) {
            double squares = 0;
            for (int d = 0; d < 8; d++) {
                squares += Math.pow(xs[t * 8 + d] + ds[t * 8 + d], 2);
            }
            double r = 1 / Math.sqrt(squares / 8 + 1e-6);
            assertEquals(r, f.floats(rstd)[t], 1e-6);
            for (int d = 0; d < 8; d++) {
                want[t * 8 + d] = (xs[t * 8 + d] + ds[t * 8 + d]) * r * ws[d];
            }
        }
        near(want, f.floats(y), 1e-6);
    }

    @ParameterizedTest
    @CsvSource({"2,5,4,4,6", "1,33,4,2,8", "3,7,6,1,4"})
    void flashAttentionEqualsThePlainFormula(int batch, int length, int heads, int kvHeads, int headDim) {
        java.util.Random random = new java.util.Random(length);
        AttentionShape shape = new AttentionShape(batch, length, heads, kvHeads, headDim);
        bothWays(shape, null);
        for (int longest : new int[] {1, 4, 2 * length}) {
            bothWays(shape, f.ints(DocumentStarts.index(shape, DocumentStarts.random(random, batch, length, longest))));
        }
    }

    private void bothWays(AttentionShape shape, Tensor documents) {
        Tensor qkv = f.random(F32, 2, shape.tokens(), shape.qkvWidth());
        Tensor dout = f.random(F32, 1, shape.tokens(), shape.outWidth());
        Tensor[] out = {f.poisoned(F32, shape.tokens(), shape.outWidth()), f.poisoned(F32, shape.tokens(), shape.outWidth())};
        Tensor[] lse = {f.poisoned(F32, shape.batch(), shape.heads(), shape.sequence()), f.poisoned(F32, shape.batch(), shape.heads(), shape.sequence())};
        Tensor[] dqkv = {f.poisoned(F32, shape.tokens(), shape.qkvWidth()), f.poisoned(F32, shape.tokens(), shape.qkvWidth())};
        try (var s = org.longhaul.natives.Scope.on(qkv)) {
            var a = new org.longhaul.natives.Aten(s);
            Attention.forward(a, s, out[0], lse[0], qkv, documents, shape);
            Attention.backward(a, s, dqkv[0], dout, qkv, out[0], lse[0], documents, shape);
            Attention.naiveForward(a, s, out[1], lse[1], qkv, documents, shape);
            Attention.naiveBackward(a, s, dqkv[1], dout, qkv, out[1], lse[1], documents, shape);
        }
        near(f.floats(out[1]), f.floats(out[0]), 2e-6);
        near(f.floats(lse[1]), f.floats(lse[0]), 2e-6);
        near(f.floats(dqkv[1]), f.floats(dqkv[0]), 5e-6);
    }

    @Test
    void ropeRotatesPairsAndBack() {
        AttentionShape shape = new AttentionShape(1, 2, 1, 1, 4);
        Tensor qkv = f.of(F32, new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 2, 12);
        Tensor cos = f.of(F32, new float[] {1, 1, 0, 0.6f}, 2, 2);
        Tensor sin = f.of(F32, new float[] {0, 0, 1, 0.8f}, 2, 2);
        ops.rope(qkv, cos, sin, shape);
        float[] got = f.floats(qkv);
        // position 1, query (1,2,3,4): pairs (1,3) turned by 90°, (2,4) by the 0.6/0.8 angle; values stay
        near(new double[] {-3, 2 * 0.6 - 4 * 0.8, 1, 4 * 0.6 + 2 * 0.8}, java.util.Arrays.copyOfRange(got, 12, 16), 1e-6);
        assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, java.util.Arrays.copyOf(got, 12));
        assertArrayEquals(new float[] {9, 10, 11, 12}, java.util.Arrays.copyOfRange(got, 20, 24));
    }

    @ParameterizedTest
    @CsvSource({"0", "0.01"})
    void crossEntropy(double zLoss) {
        int c = 4;
        int v = 11;
        Tensor logits = f.random(F32, 3, c, v);
        Tensor split = f.of(F32, f.floats(logits), c, v);
        Tensor targets = f.ints(3, -100, 0, 10);
        Tensor scale = f.of(F32, new float[] {0.25f}, 1);
        Tensor z = f.of(F32, new float[1], 1);
        Tensor loss = f.poisoned(F32, c);
        Tensor only = f.poisoned(F32, c);
        float[] x = f.floats(logits);
        int[] t = f.ints(targets);
        ops.crossEntropyLoss(only, logits, targets, -100);
        ops.crossEntropy(loss, logits, targets, scale, zLoss, -100, z);
        double[] wantLoss = new double[c];
        double[] want = new double[c * v];
        double zSum = 0;
        for (int i = 0; i < c; i++) {
            double sum = 0;
            for (int j = 0; j < v; j++) {
                sum += Math.exp(x[i * v + j]);
            }
            double lse = Math.log(sum);
            if (t[i] == -100) {
                continue;
            }
            zSum += lse * lse;
            wantLoss[i] = lse - x[i * v + t[i]];
            for (int j = 0; j < v; j++) {
                double p = Math.exp(x[i * v + j] - lse);
                want[i * v + j] = 0.25 * (p - (j == t[i] ? 1 : 0) + 2 * zLoss * lse * p);
            }
        }
        near(wantLoss, f.floats(loss), 1e-6);
        near(wantLoss, f.floats(only), 1e-6);
        near(want, f.floats(logits), 1e-6);
        assertEquals(zSum, f.floats(z)[0], 1e-4);

        // The vocabulary-parallel halves over the whole vocabulary give the same.
        Tensor max = f.poisoned(F32, c);
        Tensor sum = f.poisoned(F32, c);
        Tensor target = f.poisoned(F32, c);
        Tensor loss2 = f.poisoned(F32, c);
        ops.crossEntropyStatistics(max, sum, target, split, targets, 0, -100);
        ops.rescaleSums(sum, max, max);
        ops.crossEntropyFromStatistics(loss2, split, max, sum, target, targets, 0, scale, zLoss, -100, null);
        near(wantLoss, f.floats(loss2), 1e-6);
        near(want, f.floats(split), 1e-6);
    }

    @Test
    void reductionsAndClipping() {
        Tensor x = f.random(F32, 1, 300_001);
        double squares = 0;
        double total = 0;
        for (float value : f.floats(x)) {
            squares += value * (double) value;
            total += value;
        }
        Tensor out = f.of(F32, new float[] {1}, 1);
        ops.sumOfSquares(out, x);
        assertEquals(squares + 1, f.floats(out)[0], squares * 1e-6);
        Tensor sum = f.of(F32, new float[] {0}, 1);
        ops.sum(sum, x);
        assertEquals(total, f.floats(sum)[0], 0.01);
        Tensor clip = f.poisoned(F32, 3);
        ops.clipFactor(clip, out, 1);
        near(new double[] {1 / Math.sqrt(squares + 1), Math.sqrt(squares + 1), 1}, f.floats(clip), 1e-6);
        ops.clipFactor(clip, f.of(F32, new float[] {Float.POSITIVE_INFINITY}, 1), 1);
        assertEquals(0, f.floats(clip)[2]);
        ops.clipFactor(clip, f.of(F32, new float[] {0.04f}, 1), 1);
        near(new double[] {1, 0.2, 1}, f.floats(clip), 1e-6);
    }

    @Test
    void adamW() {
        Tensor w = f.random(F32, 1, 1000);
        Tensor g = f.random(F32, 1, 1000);
        Tensor m = f.of(F32, new float[1000], 1000);
        Tensor v = f.of(F32, new float[1000], 1000);
        Tensor copy = f.poisoned(F32, 1000);
        Tensor clip = f.of(F32, new float[] {0.5f, 2, 1}, 3);
        double[] wd = new double[1000];
        double[] md = new double[1000];
        double[] vd = new double[1000];
        float[] start = f.floats(w);
        for (int i = 0; i < 1000; i++) {
            wd[i] = start[i];
        }
        for (int step = 1; step <= 3; step++) {
            ops.adamW(new AdamWStep(1e-2, 0.9, 0.95, 1e-8, 0.1, step), w, g, m, v, copy, clip);
            for (int i = 0; i < 1000; i++) {
                double gi = f.floats(g)[i] * 0.5;
                md[i] = 0.9 * md[i] + 0.1 * gi;
                vd[i] = 0.95 * vd[i] + 0.05 * gi * gi;
                double update = md[i] / (1 - Math.pow(0.9, step)) / (Math.sqrt(vd[i] / (1 - Math.pow(0.95, step))) + 1e-8);
                wd[i] -= 1e-2 * (update + 0.1 * wd[i]);
            }
            near(wd, f.floats(w), 1e-6);
            assertArrayEquals(f.floats(w), f.floats(copy));
        }
        // A step that is not finite changes nothing, not even the moments.
        float[] before = f.floats(w);
        float[] moments = f.floats(m);
        Tensor bad = f.of(F32, new float[] {Float.NaN, Float.NaN, 0}, 3);
        ops.adamW(new AdamWStep(1e-2, 0.9, 0.95, 1e-8, 0.1, 4), w, f.poisoned(F32, 1000), m, v, copy, bad);
        assertArrayEquals(before, f.floats(w));
        assertArrayEquals(moments, f.floats(m));
    }

    private static void near(double[] want, float[] got, double tolerance) {
        assertEquals(want.length, got.length);
        double scale = 1e-30;
        for (double x : want) {
            scale = Math.max(scale, Math.abs(x));
        }
        for (int i = 0; i < want.length; i++) {
            assertEquals(want[i], got[i], tolerance * scale, "element " + i);
        }
    }

    private static void near(float[] want, float[] got, double tolerance) {
        double[] w = new double[want.length];
        for (int i = 0; i < w.length; i++) {
            w[i] = want[i];
        }
        near(w, got, tolerance);
    }
}
