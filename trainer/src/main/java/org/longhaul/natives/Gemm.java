package org.longhaul.natives;

import com.sun.jna.Memory;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.longhaul.error.UserError;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/**
 * Matrix products through cuBLASLt on row-major tensors: bf16 or fp8 in, bf16 or fp32 out, fp32 accumulation. The first
 * product of a shape times the library's best proposals (unless deterministic) and keeps the choice, in memory and on disk.
 * One thread at a time.
 */
public final class Gemm implements AutoCloseable {
    private final CudaDevice device;
    private final long handle;
    private final DeviceMemory workspace;
    private final GemmTuner tuner;
    private final Map<GemmShape, GemmPlan> plans = new HashMap<>();
    private final Memory scalars = new Memory(16);

    /**
     * Opens the library on the current GPU.
     *
     * @param workspaceBytes scratch for split products; 32 MiB suits Hopper
     * @param deterministic take the library's first proposal among those whose sums have a fixed order, time nothing
     * @param cache folder of measured choices
     */
    public Gemm(CudaDevice device, long workspaceBytes, boolean deterministic, Path cache) {
        CublasLtApi.require();
        this.device = device;
        try (Memory out = new Memory(8)) {
            CublasLtApi.check(CublasLtApi.cublasLtCreate(out), "cublasLtCreate");
            this.handle = out.getLong(0);
        }
        this.workspace = device.allocate(workspaceBytes);
        this.tuner = new GemmTuner(device, handle, workspace, deterministic, cache);
    }

    /** The library's version, for instance 130100. */
    public static long version() {
        CublasLtApi.require();
        return CublasLtApi.cublasLtGetVersion();
    }

    /**
     * C[M,N] = alpha · op(A)·op(B) + beta · C.
     *
     * @param transposeA A is [K,M], else [M,K]
     * @param transposeB B is [N,K], else [K,N]
     */
    public void multiply(
            CudaStream stream, Tensor c, Tensor a, boolean transposeA, Tensor b, boolean transposeB, float alpha, float beta) {
        run(stream, c, a, transposeA, b, transposeB, alpha, beta, 0, 0, false);
    }

    /**
     * As {@link #multiply} for fp8 operands: C = scaleA · scaleB · A·Bᵀ + beta · C, A[M,K], B[N,K]. With {@code rowScales} scaleA
     * is F32[M] and scaleB F32[N], else each is one F32; all on the device.
     */
    public void multiplyScaled(CudaStream stream, Tensor c, Tensor a, Tensor scaleA, Tensor b, Tensor scaleB, boolean rowScales, float beta) {
        run(stream, c, a, false, b, true, 1, beta, scaleA.address(), scaleB.address(), rowScales);
    }

    private void run(
            CudaStream stream, Tensor c, Tensor a, boolean transposeA, Tensor b, boolean transposeB, float alpha, float beta, long scaleA,
            long scaleB, boolean rowScales) {
        long m = c.size(0);
        long n = c.elements() / Math.max(1, m);
        long k = a.elements() / Math.max(1, m);
        if (a.elements() != m * k || b.elements() != n * k || a.size(0) != (transposeA ? k : m) || b.size(0) != (transposeB ? n : k)) {
            throw new IllegalArgumentException("product of " + a + (transposeA ? "ᵀ" : "") + " and " + b + (transposeB ? "ᵀ" : "")
                    + " does not give " + c);
        }
        int alignment = (int) Math.min(256, Long.lowestOneBit(a.address() | b.address() | c.address() | 256));
        GemmShape shape = new GemmShape(
                m, n, k, transposeA, transposeB, a.dtype(), b.dtype(), c.dtype(), alignment, beta != 0, scaleA != 0, rowScales);
        GemmPlan plan = plans.get(shape);
        if (plan == null) {
            plan = tuner.plan(stream, shape, scaleA, scaleB);
            plans.put(shape, plan);
        }
        if (scaleA != 0) {
            plan.scales(scaleA, scaleB);
        }
        scalars.setFloat(0, alpha);
        scalars.setFloat(8, beta);
        plan.run(handle, stream, scalars, a.address(), b.address(), c.address(), workspace);
    }

    /** What was chosen for each shape used so far and, where it was timed, TFLOP/s; one line each. */
    public String report() {
        StringBuilder text = new StringBuilder();
        plans.entrySet().stream()
                .sorted(Map.Entry.comparingByKey((x, y) -> Double.compare(y.flops(), x.flops())))
                .forEach(e -> text.append(String.format("%-60s %s%n", e.getKey().key(), e.getValue().remark())));
        return text.toString();
    }

    static int type(DType dtype) {
        return switch (dtype) {
            case F32 -> CublasLtApi.R_32F;
            case BF16 -> CublasLtApi.R_16BF;
            case F8_E4M3 -> CublasLtApi.R_8F_E4M3;
            case F8_E5M2 -> CublasLtApi.R_8F_E5M2;
            case I32, I64, U8 -> throw UserError.badInput("matrix products of " + dtype + " are not supported on the GPU");
        };
    }

    @Override
    public void close() {
        plans.values().forEach(GemmPlan::close);
        plans.clear();
        CublasLtApi.check(CublasLtApi.cublasLtDestroy(handle), "cublasLtDestroy");
        device.synchronize();
        workspace.close();
        scalars.close();
    }
}
