package org.longhaul.ops;

import java.nio.ByteBuffer;
import java.util.stream.IntStream;
import org.longhaul.natives.HostMemory;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/**
 * AdamW with moments kept in BF16, rounded up or down at random so that they are right on average (Connolly, Higham &amp; Mary 2021):
 * a moment that changes by less than its last bit still moves. The random bits are a function of step and place in the range. The same
 * arithmetic in the same order as the CUDA kernel, on host memory.
 */
final class RoundedMoments {
    private static final int PIECE = 1 << 16;

    private RoundedMoments() {}

    static void adamW(
            AdamWStep step, Tensor master, Tensor gradient, Tensor first, Tensor second, Tensor weights, Tensor clip) {
        for (Tensor t : new Tensor[] {gradient, first, second}) {
            Shapes.same(master.slice(0, master.elements()), t.slice(0, t.elements()));
        }
        Shapes.type(DType.F32, master);
        Shapes.type(DType.F32, gradient);
        Shapes.type(DType.BF16, first);
        Shapes.type(DType.BF16, second);
        ByteBuffer factors = HostMemory.window(clip, 0, 3);
        float factor = factors.getFloat(0);
        if (factors.getFloat(8) == 0) {
            return;
        }
        Tensor copy = weights == null || weights.address() == master.address() ? null : weights;
        int pieces = Math.toIntExact((master.elements() + PIECE - 1) / PIECE);
        IntStream.range(0, pieces).parallel().forEach(i -> {
            long from = (long) i * PIECE;
            int n = (int) Math.min(PIECE, master.elements() - from);
            piece(step, from, n, factor, HostMemory.window(master, from, n), HostMemory.window(gradient, from, n),
                    HostMemory.window(first, from, n), HostMemory.window(second, from, n),
                    copy == null ? null : HostMemory.window(copy, from, n), copy != null && copy.dtype() == DType.BF16);
        });
    }

    private static void piece(
            AdamWStep step, long from, int n, float clip, ByteBuffer master, ByteBuffer gradient, ByteBuffer first, ByteBuffer second,
            ByteBuffer copy, boolean rounded) {
        float beta1 = (float) step.beta1();
        float beta2 = (float) step.beta2();
        float other1 = (float) (1 - step.beta1());
        float other2 = (float) (1 - step.beta2());
        float epsilon = (float) step.epsilon();
        float decay = (float) (1 - step.learningRate() * step.weightDecay());
        float rate = (float) (step.learningRate() / (1 - Math.pow(step.beta1(), step.step())));
        float correction = (float) (1 / Math.sqrt(1 - Math.pow(step.beta2(), step.step())));
        int key = Long.hashCode(step.step() * 0x9E3779B97F4A7C15L);
        for (int i = 0; i < n; i++) {
            float g = gradient.getFloat(4 * i) * clip;
            float m = beta1 * Host.toFloat(first.getShort(2 * i)) + other1 * g;
            float v = beta2 * Host.toFloat(second.getShort(2 * i)) + other2 * g * g;
            float p = master.getFloat(4 * i) * decay - rate * m / ((float) Math.sqrt(v) * correction + epsilon);
            int random = randomBits(from + i, key);
            first.putShort(2 * i, settled(m, random));
            second.putShort(2 * i, settled(v, random >>> 16));
            master.putFloat(4 * i, p);
            if (copy != null && rounded) {
                copy.putShort(2 * i, Host.bfloat16(p));
            } else if (copy != null) {
                copy.putFloat(4 * i, p);
            }
        }
    }

    // The lowbias32 mixer over place and key.
    private static int randomBits(long element, int key) {
        int x = (int) element ^ (int) (element >>> 32) * 0x9e3779b9 ^ key;
        x ^= x >>> 16;
        x *= 0x7feb352d;
        x ^= x >>> 15;
        x *= 0x846ca68b;
        x ^= x >>> 16;
        return x;
    }

    private static short settled(float value, int random) {
        int bits = Float.floatToRawIntBits(value);
        if ((bits & 0x7f800000) == 0x7f800000) {
            return Host.bfloat16(value);
        }
        return (short) (bits + (random & 0xffff) >>> 16);
    }
}
