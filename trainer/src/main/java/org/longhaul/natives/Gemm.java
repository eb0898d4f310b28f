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
    /** Scales of 8-bit operands lie at multiples of this: cuBLASLt since 12.9 refuses others. */
    public static final int SCALE_ALIGNMENT = 16;

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
        this(device, workspaceBytes, deterministic, cache, true);
    }

    /** The same; where {@code timing} is off what was measured before is taken, else the library's first proposal. */
    public Gemm(CudaDevice device, long workspaceBytes, boolean deterministic, Path cache, boolean timing) {
        CublasLtApi.require();
        this.device = device;
        try (Memory out = new Memory(8)) {
            CublasLtApi.check(CublasLtApi.cublasLtCreate(out), "cublasLtCreate");
            this.handle = out.getLong(0);
        }
        this.workspace = device.allocate(workspaceBytes);
        this.tuner = new GemmTuner(device, handle, workspace, deterministic, cache, timing);
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
        run(stream, c, null, a, transposeA, b, transposeB, alpha, beta, null, null, false);
    }

    /** D[M,N] = C + A·Bᵀ, A[M,K], B[N,K]; C (of D's type) may be D. */
    public void multiplyAdd(CudaStream stream, Tensor d, Tensor c, Tensor a, Tensor b) {
        run(stream, d, c, a, false, b, true, 1, 1, null, null, false);
    }

    /**
     * D = scaleA · scaleB · A·Bᵀ + beta · C for fp8 operands A[M,K], B[N,K], not both e5m2, all sides multiples of 16. With
     * {@code rowScales} scaleA is F32[M] and scaleB F32[N], else each is one F32; all on the device, at multiples of
     * {@link #SCALE_ALIGNMENT}. Throws a UserError (exit 3) where the library cannot do it on this GPU.
     *
     * @param c the addend, of D's type; null for D itself
     */
    public void multiplyScaled(
            CudaStream stream, Tensor d, Tensor c, Tensor a, Tensor scaleA, Tensor b, Tensor scaleB, boolean rowScales, float beta) {
        if ((scaleA.address() | scaleB.address()) % SCALE_ALIGNMENT != 0) {
            throw new IllegalArgumentException("scales of 8-bit products lie at multiples of " + SCALE_ALIGNMENT + " bytes, not as "
                    + scaleA + " or " + scaleB);
        }
        run(stream, d, c, a, false, b, true, 1, beta, scaleA, scaleB, rowScales);
    }

    private void run(
            CudaStream stream, Tensor d, Tensor addend, Tensor a, boolean transposeA, Tensor b, boolean transposeB, float alpha, float beta,
            Tensor scaleA, Tensor scaleB, boolean rowScales) {
        long m = d.size(0);
        long n = d.elements() / Math.max(1, m);
        long k = a.elements() / Math.max(1, m);
        Tensor c = addend == null ? d : addend;
        if (a.elements() != m * k || b.elements() != n * k || a.size(0) != (transposeA ? k : m) || b.size(0) != (transposeB ? n : k)
                || c.elements() != m * n || c.dtype() != d.dtype()) {
            throw new IllegalArgumentException("product of " + a + (transposeA ? "ᵀ" : "") + " and " + b + (transposeB ? "ᵀ" : "")
                    + (c == d ? "" : " added to " + c) + " does not give " + d);
        }
        int alignment = (int) Math.min(256, Long.lowestOneBit(a.address() | b.address() | c.address() | d.address() | 256));
        GemmShape.Addend kind = beta == 0 ? GemmShape.Addend.NONE
                : c.address() == d.address() ? GemmShape.Addend.RESULT : GemmShape.Addend.OTHER;
        GemmShape shape = new GemmShape(
                m, n, k, transposeA, transposeB, a.dtype(), b.dtype(), d.dtype(), alignment, kind, scaleA != null, rowScales);
        GemmPlan plan = plans.get(shape);
        if (plan == null) {
            plan = tuner.plan(stream, shape, scaleA == null ? 0 : scaleA.address(), scaleB == null ? 0 : scaleB.address());
            plans.put(shape, plan);
        }
        if (scaleA != null) {
            plan.scales(scaleA.address(), scaleB.address());
        }
        scalars.setFloat(0, alpha);
        scalars.setFloat(8, beta);
        plan.run(handle, stream, scalars, a.address(), b.address(), kind == GemmShape.Addend.NONE ? d.address() : c.address(), d.address(), workspace);
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
