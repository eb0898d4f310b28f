package org.longhaul.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.natives.Gemm;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

@Tag("gpu")
class GemmTest {
    private static final long WORKSPACE = 32L << 20;

    @TempDir
    Path cache;

    @Test
    void everyTranspositionAndTypeAgainstHostSums() {
        try (OpenGpu gpu = new OpenGpu(11);
                Gemm gemm = new Gemm(gpu.backend().device(), WORKSPACE, false, cache)) {
            for (int[] s : new int[][] {{136, 72, 264}, {8, 1024, 64}, {257, 129, 65}}) {
                for (int variant = 0; variant < 4; variant++) {
                    for (DType out : new DType[] {DType.BF16, DType.F32}) {
                        compare(gpu, gemm, s[0], s[1], s[2], variant / 2 == 1, variant % 2 == 1, out);
                    }
                }
            }
            System.out.print(gemm.report());
        }
    }

    private static void compare(OpenGpu gpu, Gemm gemm, int m, int n, int k, boolean ta, boolean tb, DType out) {
        Tensor a = ta ? gpu.random("a", DType.BF16, 1, k, m) : gpu.random("a", DType.BF16, 1, m, k);
        Tensor b = tb ? gpu.random("b", DType.BF16, 1, n, k) : gpu.random("b", DType.BF16, 1, k, n);
        Tensor c = gpu.poison(gpu.empty("c", out, m, n));
        double[] expected = product(gpu.read(a), gpu.read(b), m, n, k, ta, tb);
        gemm.multiply(gpu.backend().computeStream(), c, a, ta, b, tb, 1, 0);
        double limit = out == DType.F32 ? 1e-5 : 4e-3;
        String what = m + "×" + n + "×" + k + (ta ? " t" : " n") + (tb ? "t " : "n ") + out;
        double error = OpenGpu.relative(gpu.read(c), expected);
        assertTrue(error < limit, what + ": " + error);
        // Accumulate twice: 1 + 2 more, so three times the product.
        gemm.multiply(gpu.backend().computeStream(), c, a, ta, b, tb, 2, 1);
        for (int i = 0; i < expected.length; i++) {
            expected[i] *= 3;
        }
        error = OpenGpu.relative(gpu.read(c), expected);
        assertTrue(error < limit, what + " accumulated: " + error);
    }

    @Test
    void accumulatingIsNotDisturbedByMeasuring() {
        try (OpenGpu gpu = new OpenGpu(12);
                Gemm gemm = new Gemm(gpu.backend().device(), WORKSPACE, false, cache)) {
            Tensor a = gpu.random("a", DType.BF16, 1, 512, 256);
            Tensor b = gpu.random("b", DType.BF16, 1, 512, 384);
            Tensor c = gpu.random("c", DType.F32, 1, 256, 384);
            float[] before = gpu.read(c);
            double[] expected = product(gpu.read(a), gpu.read(b), 256, 384, 512, true, false);
            for (int i = 0; i < expected.length; i++) {
                expected[i] += before[i];
            }
            gemm.multiply(gpu.backend().computeStream(), c, a, true, b, false, 1, 1);
            assertTrue(OpenGpu.relative(gpu.read(c), expected) < 1e-5);
        }
    }

    @Test
    void aMatrixElsewhereIsAdded() {
        try (OpenGpu gpu = new OpenGpu(15);
                Gemm gemm = new Gemm(gpu.backend().device(), WORKSPACE, false, cache)) {
            Tensor a = gpu.random("a", DType.BF16, 1, 144, 64);
            Tensor b = gpu.random("b", DType.BF16, 1, 80, 64);
            Tensor c = gpu.random("c", DType.BF16, 8, 144, 80);
            Tensor d = gpu.poison(gpu.empty("d", DType.BF16, 144, 80));
            double[] expected = product(gpu.read(a), gpu.read(b), 144, 80, 64, false, true);
            float[] before = gpu.read(c);
            for (int i = 0; i < expected.length; i++) {
                expected[i] += before[i];
            }
            gemm.multiplyAdd(gpu.backend().computeStream(), d, c, a, b);
            assertTrue(OpenGpu.relative(gpu.read(d), expected) < 4e-3);
            assertArrayEquals(before, gpu.read(c));
            gemm.multiplyAdd(gpu.backend().computeStream(), c, c, a, b);
            assertTrue(OpenGpu.relative(gpu.read(c), expected) < 4e-3);
        }
    }

    @Test
    void eightBitOperandsWithScales() {
        try (OpenGpu gpu = new OpenGpu(16);
                Gemm gemm = new Gemm(gpu.backend().device(), WORKSPACE, false, cache)) {
            for (DType[] types : new DType[][] {
                {DType.F8_E4M3, DType.F8_E4M3}, {DType.F8_E5M2, DType.F8_E4M3}, {DType.F8_E4M3, DType.F8_E5M2}
            }) {
                for (DType out : new DType[] {DType.BF16, DType.F32}) {
                    eightBits(gpu, gemm, types[0], types[1], out, false);
                }
            }
            eightBits(gpu, gemm, DType.F8_E4M3, DType.F8_E4M3, DType.BF16, true);
        }
    }

    private static void eightBits(OpenGpu gpu, Gemm gemm, DType typeA, DType typeB, DType out, boolean rows) {
        int m = 48;
        int n = 32;
        int k = 80;
        Random random = new Random(m + n);
        float[] as = new float[m * k];
        float[] bs = new float[n * k];
        Tensor a = eight(gpu, random, typeA, as, m, k);
        Tensor b = eight(gpu, random, typeB, bs, n, k);
        Tensor scaleA = gpu.random("scaleA", DType.F32, 1, rows ? m : 1);
        Tensor scaleB = gpu.random("scaleB", DType.F32, 1, rows ? n : 1);
        float[] sa = gpu.read(scaleA);
        float[] sb = gpu.read(scaleB);
        double[] expected = product(as, bs, m, n, k, false, true);
        for (int i = 0; i < expected.length; i++) {
            expected[i] *= sa[rows ? i / n : 0] * sb[rows ? i % n : 0];
        }
        Tensor d = gpu.poison(gpu.empty("d", out, m, n));
        gemm.multiplyScaled(gpu.backend().computeStream(), d, null, a, scaleA, b, scaleB, rows, 0);
        String what = typeA + " " + typeB + " " + out;
        assertTrue(OpenGpu.relative(gpu.read(d), expected) < 1e-2, what);
        Tensor c = gpu.random("c", out, 10, m, n);
        float[] before = gpu.read(c);
        for (int i = 0; i < expected.length; i++) {
            expected[i] += before[i];
        }
        gemm.multiplyScaled(gpu.backend().computeStream(), d, c, a, scaleA, b, scaleB, rows, 1);
        assertTrue(OpenGpu.relative(gpu.read(d), expected) < 1e-2, what + " added");
        Tensor tight = gpu.empty("scales", DType.F32, 2).slice(1, 2);
        assertThrows(IllegalArgumentException.class,
                () -> gemm.multiplyScaled(gpu.backend().computeStream(), d, null, a, tight, b, scaleB, false, 0));
    }

    /** Signed halves, ones and twos, exact in both formats. */
    private static Tensor eight(OpenGpu gpu, Random random, DType type, float[] values, int rows, int columns) {
        Tensor t = gpu.empty("operand", type, rows, columns);
        ByteBuffer bytes = ByteBuffer.allocateDirect(values.length);
        int mantissa = type == DType.F8_E4M3 ? 3 : 2;
        int one = (type == DType.F8_E4M3 ? 7 : 15) << mantissa;
        for (int i = 0; i < values.length; i++) {
            int power = random.nextInt(3) - 1;
            boolean negative = random.nextBoolean();
            values[i] = Math.scalb(negative ? -1f : 1f, power);
            bytes.put(i, (byte) ((negative ? 0x80 : 0) | one + (power << mantissa)));
        }
        gpu.backend().upload(t, bytes);
        return t;
    }

    @Test
    void aMeasuredChoiceIsTakenAgain() {
        for (int run = 0; run < 2; run++) {
            try (OpenGpu gpu = new OpenGpu(17);
                    Gemm gemm = new Gemm(gpu.backend().device(), WORKSPACE, false, cache)) {
                Tensor a = gpu.random("a", DType.BF16, 1, 128, 64);
                Tensor b = gpu.random("b", DType.BF16, 1, 256, 64);
                Tensor d = gpu.empty("d", DType.BF16, 128, 256);
                gemm.multiply(gpu.backend().computeStream(), d, a, false, b, true, 1, 0);
                String report = gemm.report();
                assertTrue(report.contains("TFLOP/s") && report.contains("from an earlier run") == run > 0, report);
            }
        }
    }

    @Test
    void deterministicChoicesRepeatToTheBit() {
        float[] first = null;
        for (int run = 0; run < 2; run++) {
            try (OpenGpu gpu = new OpenGpu(13);
                    Gemm gemm = new Gemm(gpu.backend().device(), WORKSPACE, true, cache)) {
                Tensor a = gpu.random("a", DType.BF16, 1, 16_384, 128);
                Tensor b = gpu.random("b", DType.BF16, 1, 16_384, 192);
                Tensor c = gpu.empty("c", DType.F32, 128, 192);
                gemm.multiply(gpu.backend().computeStream(), c, a, true, b, false, 1, 1);
                float[] got = gpu.read(c);
                if (first != null) {
                    assertArrayEquals(first, got);
                }
                first = got;
            }
        }
    }

    @Test
    void shapesThatDoNotFitAreNamed() {
        try (OpenGpu gpu = new OpenGpu(14);
                Gemm gemm = new Gemm(gpu.backend().device(), WORKSPACE, false, cache)) {
            Tensor a = gpu.empty("left", DType.BF16, 8, 16);
            Tensor b = gpu.empty("right", DType.BF16, 8, 24);
            Tensor c = gpu.empty("result", DType.BF16, 8, 8);
            IllegalArgumentException e = assertThrows(
                    IllegalArgumentException.class,
                    () -> gemm.multiply(gpu.backend().computeStream(), c, a, false, b, true, 1, 0));
            assertTrue(e.getMessage().contains("left") && e.getMessage().contains("result"), e.getMessage());
        }
    }

    private static double[] product(float[] a, float[] b, int m, int n, int k, boolean ta, boolean tb) {
        double[] c = new double[m * n];
        for (int i = 0; i < m; i++) {
            for (int p = 0; p < k; p++) {
                double x = ta ? a[p * m + i] : a[i * k + p];
                for (int j = 0; j < n; j++) {
                    c[i * n + j] += x * (tb ? b[j * k + p] : b[p * n + j]);
                }
            }
        }
        return c;
    }
}
