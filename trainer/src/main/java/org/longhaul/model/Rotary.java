package org.longhaul.model;

import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/** Cosines and sines of the rotary angles position · theta^(−2i/headDim), F32 [S, headDim/2] each (Su et al. 2021). */
final class Rotary implements AutoCloseable {
    private final Arena arena;
    private final Tensor cos;
    private final Tensor sin;

    Rotary(Backend backend, int positions, int headDim, double theta) {
        int half = headDim / 2;
        long bytes = Arena.align(4L * positions * half);
        arena = backend.allocate("rotary tables", 2 * bytes);
        cos = arena.tensor("cos", 0, DType.F32, positions, half);
        sin = arena.tensor("sin", bytes, DType.F32, positions, half);
        float[] c = new float[positions * half];
        float[] s = new float[positions * half];
        for (int p = 0; p < positions; p++) {
            for (int i = 0; i < half; i++) {
                // Angles in double and StrictMath: exact far out, and the same bits on every machine.
                double angle = p * StrictMath.pow(theta, -2.0 * i / headDim);
                c[p * half + i] = (float) StrictMath.cos(angle);
                s[p * half + i] = (float) StrictMath.sin(angle);
            }
        }
        Host.put(backend, cos, c);
        Host.put(backend, sin, s);
    }

    Tensor cos() {
        return cos;
    }

    Tensor sin() {
        return sin;
    }

    @Override
    public void close() {
        arena.close();
    }
}
