package org.longhaul.ops.cuda;

import org.longhaul.ops.AdamWStep;
import org.longhaul.ops.AttentionShape;

/** The operations in float64, as simply as they can be written: the oracle of the kernels. */
final class References {
    private References() {}

    static double[] add(double[] a, double[] b) {
        double[] c = new double[a.length];
        for (int i = 0; i < c.length; i++) {
            c[i] = a[i] + b[i];
        }
        return c;
    }

    /** y; fills rstd. */
    static double[] norm(double[] x, double[] w, double[] rstd, double eps) {
        int d = w.length;
        double[] y = new double[x.length];
        for (int t = 0; t < rstd.length; t++) {
            double s = 0;
            for (int i = 0; i < d; i++) {
                s += x[t * d + i] * x[t * d + i];
            }
            rstd[t] = 1 / Math.sqrt(s / d + eps);
            for (int i = 0; i < d; i++) {
                y[t * d + i] = x[t * d + i] * rstd[t] * w[i];
            }
        }
        return y;
    }

    /** dx; adds to dw. */
    static double[] normBackward(double[] dy, double[] x, double[] w, double[] rstd, double[] residual, double[] dw) {
        int d = w.length;
        double[] dx = new double[x.length];
        for (int t = 0; t < rstd.length; t++) {
            double dot = 0;
            for (int i = 0; i < d; i++) {
                int at = t * d + i;
                dot += w[i] * dy[at] * x[at] * rstd[t];
                dw[i] += dy[at] * x[at] * rstd[t];
            }
            for (int i = 0; i < d; i++) {
                int at = t * d + i;
                dx[at] = rstd[t] * (w[i] * dy[at] - x[at] * rstd[t] * dot / d) + (residual == null ? 0 : residual[at]);
            }
        }
        return dx;
    }

    /** dGateUp; fills h. */
    static double[] swigluBackward(double[] gateUp, double[] dh, double[] h, int f) {
        double[] d = new double[gateUp.length];
        for (int i = 0; i < h.length; i++) {
            int g = i / f * 2 * f + i % f;
            double s = 1 / (1 + Math.exp(-gateUp[g]));
            double silu = gateUp[g] * s;
            h[i] = silu * gateUp[g + f];
            d[g] = dh[i] * gateUp[g + f] * (s + silu * (1 - s));
            d[g + f] = dh[i] * silu;
        }
        return d;
    }

    /** cos and sin [S, headDim/2]. */
    static float[][] angles(AttentionShape shape, double theta) {
        int half = shape.headDim() / 2;
        float[][] a = new float[2][shape.sequence() * half];
        for (int s = 0; s < shape.sequence(); s++) {
            for (int i = 0; i < half; i++) {
                double angle = s * Math.pow(theta, -2.0 * i / shape.headDim());
                a[0][s * half + i] = (float) Math.cos(angle);
                a[1][s * half + i] = (float) Math.sin(angle);
            }
        }
        return a;
    }

    /** Queries and keys turned by the angles, or back with sign −1. */
    static double[] rope(double[] qkv, double[] cos, double[] sin, AttentionShape shape, int sign) {
        double[] out = qkv.clone();
        int d = shape.headDim();
        int half = d / 2;
        int width = (int) shape.qkvWidth();
        for (int t = 0; t < shape.tokens(); t++) {
            for (int h = 0; h < shape.heads() + shape.kvHeads(); h++) {
                for (int i = 0; i < half; i++) {
                    int a = t * width + h * d + i;
                    int at = t % shape.sequence() * half + i;
                    out[a] = qkv[a] * cos[at] - sign * qkv[a + half] * sin[at];
                    out[a + half] = qkv[a + half] * cos[at] + sign * qkv[a] * sin[at];
                }
            }
        }
        return out;
    }

    /** Gradients of heads into packed rows; expanded key and value slices are added over their group. */
    static double[] pack(double[] dq, double[] dk, double[] dv, AttentionShape shape, boolean byHeads, boolean expanded) {
        int d = shape.headDim();
        int s = shape.sequence();
        int group = expanded ? shape.heads() / shape.kvHeads() : 1;
        double[] out = new double[(int) (shape.tokens() * shape.qkvWidth())];
        double[][] from = {dq, dk, dv};
        int[] heads = {shape.heads(), shape.kvHeads(), shape.kvHeads()};
        for (int b = 0; b < shape.batch(); b++) {
            for (int p = 0; p < s; p++) {
                int column = (int) ((b * s + p) * shape.qkvWidth());
                for (int kind = 0; kind < 3; kind++) {
                    int slices = kind == 0 ? 1 : group;
                    int all = heads[kind] * slices;
                    for (int h = 0; h < heads[kind]; h++) {
                        for (int i = 0; i < d; i++) {
                            for (int j = 0; j < slices; j++) {
                                int head = h * slices + j;
                                int at = byHeads ? ((b * all + head) * s + p) * d + i : ((b * s + p) * all + head) * d + i;
                                out[column] += from[kind][at];
                            }
                            column++;
                        }
                    }
                }
            }
        }
        return out;
    }

    static void adamW(AdamWStep a, double[] p, double[] g, double[] m, double[] v, double clip) {
        for (int i = 0; i < p.length; i++) {
            double gi = g[i] * clip;
            m[i] = a.beta1() * m[i] + (1 - a.beta1()) * gi;
            v[i] = a.beta2() * v[i] + (1 - a.beta2()) * gi * gi;
            double mh = m[i] / (1 - Math.pow(a.beta1(), a.step()));
            double vh = v[i] / (1 - Math.pow(a.beta2(), a.step()));
            p[i] -= a.learningRate() * (mh / (Math.sqrt(vh) + a.epsilon()) + a.weightDecay() * p[i]);
        }
    }
}
