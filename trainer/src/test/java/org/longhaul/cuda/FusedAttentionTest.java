package org.longhaul.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.longhaul.natives.CudaGraph;
import org.longhaul.natives.FusedAttention;
import org.longhaul.ops.AttentionShape;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/** Both kernels on packed buffers, multi-head and grouped-query, against softmax written out in double precision. */
@Tag("gpu")
class FusedAttentionTest {
    private static final AttentionShape[] SHAPES = {
        new AttentionShape(2, 128, 4, 4, 64), new AttentionShape(1, 200, 8, 2, 128), new AttentionShape(3, 64, 4, 1, 128),
    };

    @ParameterizedTest
    @EnumSource(FusedAttention.Kind.class)
    void forwardAndBackward(FusedAttention.Kind kind) {
        for (AttentionShape s : SHAPES) {
            try (OpenGpu gpu = new OpenGpu(21); FusedAttention attention = new FusedAttention(kind, 0)) {
                Tensor qkv = gpu.random("qkv", DType.BF16, 1, s.tokens(), s.qkvWidth());
                Tensor dout = gpu.random("dout", DType.BF16, 1, s.tokens(), s.outWidth());
                Tensor out = gpu.poison(gpu.empty("out", DType.BF16, s.tokens(), s.outWidth()));
                Tensor lse = gpu.poison(gpu.empty("lse", DType.F32, s.batch(), s.heads(), s.sequence()));
                attention.forward(out, lse, qkv, s);
                NaiveAttention naive = new NaiveAttention(s, gpu.read(qkv), gpu.read(dout));
                near(gpu.read(out), naive.out, 6e-3, kind + " out " + s);
                near(gpu.read(lse), naive.lse, 1e-4, kind + " lse " + s);
                FusedAttention.Gradients g = attention.backward(dout, qkv, out, lse, s);
                double[][] expected = {naive.dq, naive.dk, naive.dv};
                for (int i = 0; i < 3; i++) {
                    near(gather(gpu, g, i, i == 0 ? s.heads() : s.kvHeads(), s), expected[i], 1.5e-2, kind + " gradient " + i + " " + s);
                }
                g.release();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(FusedAttention.Kind.class)
    void aGraphGivesTheSameOutput(FusedAttention.Kind kind) {
        AttentionShape s = SHAPES[1];
        try (OpenGpu gpu = new OpenGpu(22); FusedAttention attention = new FusedAttention(kind, 0)) {
            Tensor qkv = gpu.random("qkv", DType.BF16, 1, s.tokens(), s.qkvWidth());
            Tensor out = gpu.empty("out", DType.BF16, s.tokens(), s.outWidth());
            Tensor lse = gpu.empty("lse", DType.F32, s.batch(), s.heads(), s.sequence());
            Runnable work = () -> attention.forward(out, lse, qkv, s);
            work.run();
            float[] eager = gpu.read(out);
            try (CudaGraph graph = gpu.backend().capture("attention", work)) {
                gpu.poison(out);
                gpu.poison(lse);
                graph.launch(gpu.backend().computeStream());
                assertArrayEquals(eager, gpu.read(out));
            }
        }
    }

    /** A strided gradient as [T, heads·headDim]. */
    private static float[] gather(OpenGpu gpu, FusedAttention.Gradients g, int which, int heads, AttentionShape s) {
        long extent = (s.batch() - 1) * g.batchStride(which) + (heads - 1) * g.headStride(which)
                + (s.sequence() - 1) * g.positionStride(which) + s.headDim();
        Tensor copy = gpu.empty("gradient", DType.BF16, extent);
        gpu.backend().computeStream().copyDevice(copy.address(), g.address(which), copy.bytes());
        float[] raw = gpu.read(copy);
        float[] packed = new float[(int) s.tokens() * heads * s.headDim()];
        int at = 0;
        for (int b = 0; b < s.batch(); b++) {
            for (int p = 0; p < s.sequence(); p++) {
                for (int h = 0; h < heads; h++) {
                    int from = (int) (b * g.batchStride(which) + h * g.headStride(which) + p * g.positionStride(which));
                    System.arraycopy(raw, from, packed, at, s.headDim());
                    at += s.headDim();
                }
            }
        }
        return packed;
    }

    private static void near(float[] got, double[] expected, double limit, String what) {
        double error = OpenGpu.relative(got, expected);
        System.out.printf("%s: %.2e%n", what, error);
        assertTrue(error < limit, what + ": " + error + ", first values " + Arrays.toString(Arrays.copyOf(got, 4)));
    }

    /** Causal attention and its gradients, written out. */
    private static final class NaiveAttention {
        private final double[] out;
        private final double[] lse;
        private final double[] dq;
        private final double[] dk;
        private final double[] dv;

        NaiveAttention(AttentionShape s, float[] qkv, float[] dout) {
            int hd = s.headDim();
            int width = (int) s.qkvWidth();
            int group = s.heads() / s.kvHeads();
            double scale = 1 / Math.sqrt(hd);
            out = new double[dout.length];
            lse = new double[s.batch() * s.heads() * s.sequence()];
            dq = new double[dout.length];
            dk = new double[(int) s.tokens() * s.kvHeads() * hd];
            dv = new double[dk.length];
            double[] p = new double[s.sequence()];
            double[] dp = new double[s.sequence()];
            for (int b = 0; b < s.batch(); b++) {
                for (int h = 0; h < s.heads(); h++) {
                    int kh = h / group;
                    for (int i = 0; i < s.sequence(); i++) {
                        int ti = b * s.sequence() + i;
                        int q = ti * width + h * hd;
                        int o = (ti * s.heads() + h) * hd;
                        double max = Double.NEGATIVE_INFINITY;
                        for (int j = 0; j <= i; j++) {
                            int k = (b * s.sequence() + j) * width + (s.heads() + kh) * hd;
                            double dot = 0;
                            for (int d = 0; d < hd; d++) {
                                dot += (double) qkv[q + d] * qkv[k + d];
                            }
                            p[j] = dot * scale;
                            max = Math.max(max, p[j]);
                        }
                        double sum = 0;
                        for (int j = 0; j <= i; j++) {
                            sum += Math.exp(p[j] - max);
                        }
                        double l = max + Math.log(sum);
                        lse[(b * s.heads() + h) * s.sequence() + i] = l;
                        double mean = 0;
                        for (int j = 0; j <= i; j++) {
                            p[j] = Math.exp(p[j] - l);
                            int v = (b * s.sequence() + j) * width + (s.heads() + s.kvHeads() + kh) * hd;
                            int gv = ((b * s.sequence() + j) * s.kvHeads() + kh) * hd;
                            dp[j] = 0;
                            for (int d = 0; d < hd; d++) {
                                out[o + d] += p[j] * qkv[v + d];
                                dp[j] += (double) dout[o + d] * qkv[v + d];
                                dv[gv + d] += p[j] * dout[o + d];
                            }
                            mean += p[j] * dp[j];
                        }
                        for (int j = 0; j <= i; j++) {
                            double ds = p[j] * (dp[j] - mean) * scale;
                            int k = (b * s.sequence() + j) * width + (s.heads() + kh) * hd;
                            int gk = ((b * s.sequence() + j) * s.kvHeads() + kh) * hd;
                            for (int d = 0; d < hd; d++) {
                                dq[o + d] += ds * qkv[k + d];
                                dk[gk + d] += ds * qkv[q + d];
                            }
                        }
                    }
                }
            }
        }
    }
}
