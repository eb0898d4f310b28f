package org.longhaul.ops.cuda;

import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.longhaul.natives.CpuBackend;
import org.longhaul.ops.AttentionShape;
import org.longhaul.tensor.DType;

/**
 * The portable operations pass the same float64 checks as the fused kernels, so each is the other's twin; matrix products and
 * attention included, whose checks thereby run without a GPU too.
 */
class PortableTwinTest {
    private static void on(Consumer<Workbench> check) {
        // The same inputs in every ordinary run; -Dlonghaul.seed=N tries others, KernelCheck on a GPU draws fresh ones.
        long seed = Long.getLong("longhaul.seed", 20261123);
        try (CpuBackend backend = new CpuBackend(1); Workbench b = new Workbench(backend, seed)) {
            check.accept(b);
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
        }
    }

    @Test
    void normsAndSwiglu() {
        for (int[] s : new int[][] {{1, 64}, {7, 70}, {129, 192}}) {
            on(b -> OpsChecks.norms(b, s[0], s[1], 0));
            for (int alias = 0; alias < 4; alias++) {
                int a = alias;
                on(b -> OpsChecks.normBackward(b, s[0], s[1], 0, a));
            }
            on(b -> OpsChecks.swiglu(b, s[0], s[1], 0));
        }
    }

    @Test
    void ropeAndAttention() {
        for (AttentionShape s : new AttentionShape[] {
            new AttentionShape(1, 1, 1, 1, 2), new AttentionShape(2, 129, 4, 4, 64), new AttentionShape(3, 17, 8, 2, 16)
        }) {
            on(b -> OpsChecks.rope(b, s));
            on(b -> MatrixChecks.attention(b, s));
            on(b -> MatrixChecks.documents(b, s, 3));
            on(b -> MatrixChecks.documents(b, s, 60));
        }
    }

    @Test
    void products() {
        for (int[] m : new int[][] {{1, 64, 192}, {7, 13, 5}, {129, 96, 80}}) {
            on(b -> MatrixChecks.linear(b, m[0], m[1], m[2]));
        }
    }

    @Test
    void loss() {
        for (int[] s : new int[][] {{1, 1000}, {7, 257}, {6, 5000}}) {
            on(b -> LossChecks.whole(b, s[0], s[1], 0));
        }
        on(b -> LossChecks.parallel(b, 7, 1001, 500));
    }

    @Test
    void embedding() {
        on(b -> OpsChecks.embedding(b, 129, 50, 64, 0, true));
        on(b -> OpsChecks.embedding(b, 77, 40, 13, 3, true));
    }

    @Test
    void optimizer() {
        for (int n : new int[] {1, 7, 5000}) {
            on(b -> OpsChecks.adamW(b, n, DType.F32, true));
            on(b -> OpsChecks.adamW(b, n, DType.BF16, true));
            on(b -> OpsChecks.flat(b, n, 0));
        }
        on(b -> OpsChecks.adamW(b, 100, DType.F32, false));
        on(b -> OpsChecks.adamW(b, 100, DType.BF16, false));
        on(OpsChecks::clip);
    }
}
