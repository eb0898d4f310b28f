package org.longhaul.ops.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.natives.CpuBackend;
import org.longhaul.ops.AdamWStep;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/** AdamW with moments in bfloat16: the kernel and its portable twin draw the same bits, and rounding is right on average. */
class RoundedMomentsTest {
    @TempDir
    static Path folder;

    @Test
    void kernelAndPortableTwinAgreeBitForBit() {
        Assumptions.assumeTrue(KernelEmulator.available(), "needs g++ to emulate the CUDA kernels");
        // Odd, whole blocks of the kernel, and more than one piece of the twin.
        for (int n : new int[] {1, 2047, 4096, 70_001}) {
            List<float[]> portable = steps(new CpuBackend(1), n);
            List<float[]> kernel = steps(new EmulatedBackend(new KernelEmulator(DType.F32, 2, 64 * 1024, folder)), n);
            for (int i = 0; i < portable.size(); i++) {
                assertArrayEquals(portable.get(i), kernel.get(i), "n = " + n + ", tensor " + i);
            }
        }
    }

    private static List<float[]> steps(Backend backend, int n) {
        SplittableRandom random = new SplittableRandom(n);
        try (backend) {
            Arena arena = backend.allocate("moments", 6L * 4 * (n + 64) + 1024);
            long bytes = Arena.align(4L * n);
            Tensor master = arena.tensor("master", 0, DType.F32, n);
            Tensor gradient = arena.tensor("gradient", bytes, DType.F32, n);
            Tensor weights = arena.tensor("weights", 2 * bytes, DType.F32, n);
            Tensor first = arena.tensor("first", 3 * bytes, DType.BF16, n);
            Tensor second = arena.tensor("second", 4 * bytes, DType.BF16, n);
            Tensor clip = arena.tensor("clip", 5 * bytes, DType.F32, 3);
            Host.put(backend, master, normals(random, n));
            for (long step = 1; step <= 3; step++) {
                Host.put(backend, gradient, normals(random, n));
                Host.put(backend, clip, 0.7f, 2f, step == 2 ? 0f : 1f);
                backend.ops().adamW(new AdamWStep(3e-3, 0.9, 0.95, 1e-8, 0.1, step), master, gradient, first, second, weights, clip);
            }
            List<float[]> out = new ArrayList<>();
            for (Tensor t : List.of(master, first, second, weights)) {
                out.add(Host.floats(backend, t));
            }
            arena.close();
            return out;
        }
    }

    private static float[] normals(SplittableRandom random, int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }

    /** A change of a thirteenth of the last bit is not lost. */
    @Test
    void smallChangesArriveOnAverage() {
        int n = 200_000;
        try (CpuBackend backend = new CpuBackend(1)) {
            Arena arena = backend.allocate("moments", 5L * 4 * (n + 64));
            long bytes = Arena.align(4L * n);
            Tensor master = arena.tensor("master", 0, DType.F32, n);
            Tensor gradient = arena.tensor("gradient", bytes, DType.F32, n);
            Tensor first = arena.tensor("first", 2 * bytes, DType.BF16, n);
            Tensor second = arena.tensor("second", 3 * bytes, DType.BF16, n);
            Tensor clip = arena.tensor("clip", 4 * bytes, DType.F32, 3);
            float[] ones = new float[n];
            java.util.Arrays.fill(ones, 1);
            float[] g = new float[n];
            java.util.Arrays.fill(g, 1.006f);
            Host.put(backend, gradient, g);
            Host.put(backend, first, ones);
            Host.put(backend, second, ones);
            Host.put(backend, clip, 1f, 1f, 1f);
            backend.ops().adamW(new AdamWStep(1e-3, 0.9, 0.95, 1e-8, 0, 5), master, gradient, first, second, null, clip);
            // The next bfloat16 above 1 is 1 + 2^-7; each element lands on one of the two.
            double deviation = 0x1p-7 * Math.sqrt(0.077 * 0.923 / n);
            assertEquals(1 + 0.1 * 0.006, mean(Host.floats(backend, first)), 5 * deviation);
            assertEquals(1 + 0.05 * (1.006 * 1.006 - 1), mean(Host.floats(backend, second)), 5 * deviation);
            arena.close();
        }
    }

    private static double mean(float[] x) {
        double sum = 0;
        for (float v : x) {
            sum += v;
        }
        return sum / x.length;
    }
}
