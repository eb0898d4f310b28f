package org.longhaul.ops.cuda;

import org.longhaul.ops.Ops;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/** 8-bit layers over the emulator, whose products are written out in float64. */
final class NaiveFp8 implements AutoCloseable {
    private final Workbench bench;
    private final Fp8Ops ops;

    NaiveFp8(Workbench bench, KernelEmulator emulator) {
        this.bench = bench;
        this.ops = new Fp8Ops(bench.backend(), (KernelOps) bench.backend().ops(), new Fp8Kernels(emulator, new ReduceKernels(emulator)),
                this::multiply);
    }

    Ops ops() {
        return ops;
    }

    private void multiply(Tensor c, Tensor a, Tensor scaleA, Tensor b, Tensor scaleB, boolean accumulate) {
        int m = (int) a.size(0);
        int n = (int) b.size(0);
        double scale = bench.values(scaleA)[0] * bench.values(scaleB)[0];
        double[] product = MatrixChecks.product(
                Fp8Checks.decoded(bench, a), false, Fp8Checks.decoded(bench, b), true, m, n, (int) a.size(1));
        float[] before = accumulate ? Host.floats(bench.backend(), c) : new float[m * n];
        for (int i = 0; i < before.length; i++) {
            before[i] += (float) (product[i] * scale);
        }
        Host.put(bench.backend(), c, before);
    }

    @Override
    public void close() {
        ops.close();
    }
}
