package org.longhaul.ops.cuda;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.function.Consumer;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.longhaul.ops.AttentionShape;
import org.longhaul.tensor.DType;

/** Every kernel against float64, compiled for the CPU: odd sizes, odd alignments, repeated, poisoned, guarded. */
class EmulatedKernelsTest {
    @TempDir
    static Path folder;

    @BeforeAll
    static void compiler() {
        Assumptions.assumeTrue(KernelEmulator.available(), "needs g++ to emulate the CUDA kernels");
    }

    /** Shared memory of a block on an H200. */
    private static final int LARGE = 227 * 1024;

    private static void on(DType compute, Consumer<Workbench> check) {
        on(compute, 64 * 1024, check);
    }

    private static void on(DType compute, int shared, Consumer<Workbench> check) {
        Assumptions.assumeTrue(compute == DType.BF16 || compute == DType.F32, "compute types are BF16 and F32");
        // The same inputs in every ordinary run; -Dlonghaul.seed=N tries others, KernelCheck on a GPU draws fresh ones.
        long seed = Long.getLong("longhaul.seed", 20261123);
        try (Workbench b = new Workbench(new EmulatedBackend(new KernelEmulator(compute, 2, shared, folder)), seed)) {
            check.accept(b);
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError("seed " + seed + ", " + compute + ": " + e.getMessage(), e);
        }
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"BF16", "F32"})
    void norms(DType compute) {
        int[][] shapes = {{1, 64}, {7, 192}, {9, 768}, {3, 1024}, {3, 2048}, {2, 4096}, {2, 8192}, {3, 5120}, {5, 70}, {2, 1}, {2, 17000}};
        for (int[] s : shapes) {
            on(compute, b -> OpsChecks.norms(b, s[0], s[1], 0));
        }
        on(compute, b -> OpsChecks.norms(b, 5, 192, 1));
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"BF16", "F32"})
    void normBackward(DType compute) {
        int[][] shapes = {{1, 64}, {129, 192}, {75, 768}, {37, 1024}, {19, 2048}, {9, 4096}, {5, 8192}, {7, 5120}, {13, 70}, {2, 1}, {2, 17000}, {1, 8},
            {37, 200}, {21, 1000}, {11, 3072}, {3, 16384}};
        int alias = 0;
        for (int[] s : shapes) {
            int a = alias++ % 4;
            on(compute, LARGE, b -> OpsChecks.normBackward(b, s[0], s[1], 0, a));
        }
        on(compute, LARGE, b -> OpsChecks.normBackward(b, 5, 192, 1, 1));
        for (int a = 0; a < 4; a++) {
            int same = a;
            on(compute, LARGE, b -> OpsChecks.normBackward(b, 51, 192, 0, same));
            on(compute, LARGE, b -> OpsChecks.normBackward(b, 19, 2048, 0, same));
        }
        // Fewer rows to a block where the rows on their way would not fit the shared memory; none of them where not even one row's do.
        for (int shared : new int[] {0, 20 * 1024, 64 * 1024}) {
            on(compute, shared, b -> OpsChecks.normBackward(b, 35, 768, 0, 1));
            on(compute, shared, b -> OpsChecks.normBackward(b, 9, 4096, 0, 2));
        }
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"BF16", "F32"})
    void swiglu(DType compute) {
        for (int[] s : new int[][] {{1, 8}, {7, 2048}, {129, 13}, {3, 5504}}) {
            on(compute, b -> OpsChecks.swiglu(b, s[0], s[1], 0));
        }
        on(compute, b -> OpsChecks.swiglu(b, 3, 64, 1));
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"BF16", "F32"})
    void rope(DType compute) {
        AttentionShape[] shapes = {
            new AttentionShape(1, 1, 1, 1, 2), new AttentionShape(2, 7, 12, 12, 64), new AttentionShape(3, 5, 8, 2, 128),
            new AttentionShape(1, 129, 3, 1, 10), new AttentionShape(2, 9, 7, 7, 80),
        };
        for (AttentionShape s : shapes) {
            on(compute, b -> OpsChecks.rope(b, s));
            for (int layout = 0; layout < 4; layout++) {
                boolean byHeads = layout % 2 == 0;
                boolean expanded = layout > 1;
                on(compute, b -> OpsChecks.ropePack(
                        b, ((KernelOps) b.backend().ops()).ropeKernels(), s, byHeads, expanded));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"BF16", "F32"})
    void embedding(DType compute) {
        on(compute, b -> OpsChecks.embedding(b, 1, 3, 8, 0, false));
        on(compute, b -> OpsChecks.embedding(b, 129, 50, 64, 0, true));
        on(compute, b -> OpsChecks.embedding(b, 1500, 10, 16, 7, true));
        on(compute, b -> OpsChecks.embedding(b, 700, 1000, 24, 2000, false));
        on(compute, b -> OpsChecks.embedding(b, 77, 40, 13, 3, true));
        // A few rows with thousands of tokens each, in several lists of one block; and rows just below and above what is summed in pieces.
        on(compute, b -> OpsChecks.embedding(b, 3200, 1, 16, 0, true));
        on(compute, b -> OpsChecks.embedding(b, 700, 20, 11, 1, false));
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"BF16", "F32"})
    void loss(DType compute) {
        for (int[] s : new int[][] {{1, 1000}, {7, 257}, {6, 50257}, {5, 8}, {2, 3}, {4, 102400}, {31, 5}, {61, 1000}, {19, 16001}}) {
            on(compute, LARGE, b -> LossChecks.whole(b, s[0], s[1], 0));
        }
        on(compute, LARGE, b -> LossChecks.whole(b, 13, 1000, 1));
        // Part of a row in shared memory, nothing of it.
        on(compute, b -> LossChecks.whole(b, 6, 50257, 0));
        on(compute, 0, b -> LossChecks.whole(b, 3, 4000, 0));
        on(compute, b -> LossChecks.parallel(b, 7, 1001, 500));
        on(compute, b -> LossChecks.parallel(b, 3, 20000, 8000));
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"BF16", "F32"})
    void optimizer(DType compute) {
        for (int n : new int[] {1, 7, 129, 1023, 1024, 5000, 8192}) {
            on(compute, b -> OpsChecks.adamW(b, n, DType.F32, true));
            on(compute, b -> OpsChecks.adamW(b, n, DType.BF16, true));
        }
        on(compute, b -> OpsChecks.adamW(b, 100, DType.F32, false));
        on(compute, OpsChecks::clip);
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"BF16", "F32"})
    void flat(DType compute) {
        for (int n : new int[] {1, 7, 129, 50_000, 131_072}) {
            on(compute, b -> OpsChecks.flat(b, n, 0));
        }
        on(compute, b -> OpsChecks.flat(b, 1000, 1));
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"F8_E4M3", "F8_E5M2"})
    void quantisation(DType type) {
        for (int[] s : new int[][] {{16, 16}, {128, 64}, {144, 208}, {272, 48}}) {
            for (double deviation : new double[] {1, 1e-6, 3e4}) {
                on(DType.BF16, b -> {
                    KernelEmulator emulator = new KernelEmulator(DType.BF16, 2, 0, folder);
                    Fp8Checks.quantise(b, new Fp8Kernels(emulator, new ReduceKernels(emulator)), s[0], s[1], type, deviation);
                });
            }
        }
        on(DType.BF16, b -> {
            KernelEmulator emulator = new KernelEmulator(DType.BF16, 2, 0, folder);
            Fp8Checks.quantise(b, new Fp8Kernels(emulator, new ReduceKernels(emulator)), 16, 16, type, 0);
        });
    }

    /** The bookkeeping of 8-bit layers, with products written out; sizes that are no multiples of 16 are done plainly. */
    @ParameterizedTest
    @EnumSource(value = DType.class, names = "BF16")
    void fp8Layers(DType compute) {
        for (int[] s : new int[][] {{16, 32, 48}, {64, 48, 16}, {7, 16, 16}}) {
            on(compute, b -> Fp8Checks.linear(b, b.backend().ops().inFp8(), s[0], s[1], s[2]));
            on(compute, b -> Fp8Checks.twoLayers(b, b.backend().ops().inFp8(), s[0], s[1], s[2]));
        }
    }

    /** The checks can fail: a kernel that leaves its output alone, or one told a wrong shape, is found. */
    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"BF16"})
    void poisonIsFound(DType compute) {
        AssertionError e = assertThrows(AssertionError.class, () -> on(compute, b -> {
            var x = b.normal("x", DType.F32, 1, 10);
            var y = b.poisoned("y", DType.F32, 10);
            b.run("nothing", () -> {}, y);
            b.compare("nothing", y, b.values(x), 1);
        }));
        assertTrue(e.getMessage().contains("nothing"), e.getMessage());
    }
}
