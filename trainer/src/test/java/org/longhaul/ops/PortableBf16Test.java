package org.longhaul.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.longhaul.tensor.DType.BF16;
import static org.longhaul.tensor.DType.F32;

import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.longhaul.natives.CpuBackend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/** The portable operations in bfloat16 give what they give in F32 on the same rounded inputs, to bfloat16's precision. */
class PortableBf16Test {
    private static final AttentionShape SHAPE = new AttentionShape(2, 9, 4, 2, 8);

    /** Draws like numbers for both types; the type decides only how they are held. */
    private record Draw(Fixture f, DType type) {
        Tensor random(double scale, long... shape) {
            float[] values = f.floats(f.random(F32, scale, shape));
            for (int i = 0; i < values.length; i++) {
                values[i] = Float.intBitsToFloat(Host.bfloat16(values[i]) << 16);
            }
            return f.of(type, values, shape);
        }

        Tensor empty(long... shape) {
            return f.poisoned(type, shape);
        }

        Tensor zeros(long... shape) {
            return f.of(F32, new float[(int) Tensor.elements(shape)], shape);
        }

        Ops ops() {
            return f.backend().ops();
        }
    }

    private static void same(Function<Draw, Tensor[]> operation) {
        try (CpuBackend backend = new CpuBackend(1);
                Fixture exact = new Fixture(backend, 5);
                Fixture rounded = new Fixture(backend, 5)) {
            Tensor[] want = operation.apply(new Draw(exact, F32));
            Tensor[] got = operation.apply(new Draw(rounded, BF16));
            for (int t = 0; t < want.length; t++) {
                float[] w = exact.floats(want[t]);
                float[] g = rounded.floats(got[t]);
                double largest = 1e-30;
                for (float x : w) {
                    largest = Math.max(largest, Math.abs(x));
                }
                for (int i = 0; i < w.length; i++) {
                    assertEquals(w[i], g[i], 0.02 * largest, "result " + t + ", element " + i);
                }
            }
        }
    }

    @Test
    void linearLayers() {
        same(d -> {
            Tensor x = d.random(1, 9, 16);
            Tensor w = d.random(1, 12, 16);
            Tensor dy = d.random(1, 9, 12);
            Tensor y = d.empty(9, 12);
            Tensor dx = d.random(1, 9, 16);
            Tensor dw = d.zeros(12, 16);
            d.ops().linear(y, x, w);
            d.ops().linearBackwardInput(dx, dy, w, true);
            d.ops().linearBackwardWeight(dw, dy, x, true);
            return new Tensor[] {y, dx, dw};
        });
    }

    @Test
    void normsAndSwiglu() {
        same(d -> {
            Tensor x = d.random(2, 7, 16);
            Tensor w = d.random(1, 16);
            Tensor y = d.empty(7, 16);
            Tensor sum = d.empty(7, 16);
            Tensor rstd = d.zeros(7);
            Tensor dw = d.zeros(16);
            Tensor residual = d.random(1, 7, 16);
            d.ops().addRmsNorm(sum, y, rstd, x, d.random(1, 7, 16), w, 1e-6);
            d.ops().rmsNormBackward(residual, dw, d.random(1, 7, 16), sum, w, rstd, residual);
            Tensor gateUp = d.random(2, 7, 20);
            Tensor h = d.empty(7, 10);
            Tensor again = d.empty(7, 10);
            d.ops().swiglu(h, gateUp);
            d.ops().swigluBackward(gateUp, again, d.random(1, 7, 10), gateUp);
            return new Tensor[] {y, sum, residual, dw, h, gateUp, again};
        });
    }

    @Test
    void attentionAndItsCachedForm() {
        same(d -> {
            Tensor qkv = d.random(1, SHAPE.tokens(), SHAPE.qkvWidth());
            Tensor cos = d.f().random(F32, 1, 9, 4);
            Tensor sin = d.f().random(F32, 1, 9, 4);
            Tensor out = d.empty(SHAPE.tokens(), SHAPE.outWidth());
            Tensor lse = d.zeros(2, 4, 9);
            Tensor dqkv = d.empty(SHAPE.tokens(), SHAPE.qkvWidth());
            d.ops().rope(qkv, cos, sin, SHAPE);
            d.ops().attention(out, lse, qkv, SHAPE);
            d.ops().attentionBackward(dqkv, d.random(1, SHAPE.tokens(), SHAPE.outWidth()), qkv, out, lse, cos, sin, SHAPE);
            Tensor cached = d.empty(9, SHAPE.outWidth());
            Tensor keys = d.empty(9, 16);
            Tensor values = d.empty(9, 16);
            d.ops().cachedAttention(cached.rows(0, 6), keys, values, qkv.rows(0, 6), 0, new AttentionShape(1, 6, 4, 2, 8));
            d.ops().cachedAttention(cached.rows(6, 9), keys, values, qkv.rows(6, 9), 6, new AttentionShape(1, 3, 4, 2, 8));
            return new Tensor[] {out, lse, dqkv, cached};
        });
    }

    @Test
    void lossEmbeddingAndUpdate() {
        same(d -> {
            Tensor logits = d.random(3, 6, 30);
            Tensor loss = d.zeros(6);
            Tensor ids = d.f().ints(3, 3, 29, 0, -100, 7);
            d.ops().crossEntropy(loss, logits, ids, d.f().of(F32, new float[] {0.5f}, 1), 0.01, -100, null);
            Tensor table = d.random(1, 10, 8);
            Tensor x = d.empty(6, 8);
            Tensor dTable = d.zeros(10, 8);
            d.ops().embedding(x, table, d.f().ints(25, 20, 29, 0, 24, 27), 20);
            d.ops().embeddingBackward(dTable, x, d.f().ints(25, 20, 29, 0, 24, 25), 20);
            Tensor weights = d.empty(80);
            Tensor master = d.f().random(F32, 1, 80);
            d.ops().adamW(new AdamWStep(0.1, 0.9, 0.95, 1e-8, 0.1, 1), master, d.f().random(F32, 1, 80), d.zeros(80), d.zeros(80), weights,
                    d.f().of(F32, new float[] {1, 1, 1}, 3));
            return new Tensor[] {loss, logits, x, dTable, master, weights};
        });
    }
}
