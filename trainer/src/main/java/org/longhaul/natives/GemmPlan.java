package org.longhaul.natives;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.util.ArrayList;
import java.util.List;
import org.longhaul.error.UserError;
import org.longhaul.tensor.DType;

/**
 * One shape's descriptors and algorithm. cuBLASLt is column-major, so a row-major C = A·B runs as Cᵀ = Bᵀ·Aᵀ: its first operand
 * is our B, its second our A.
 */
final class GemmPlan implements AutoCloseable {
    private final GemmShape shape;
    private final long desc;
    private final long first;
    private final long second;
    private final long result;
    private final Memory algorithm = new Memory(CublasLtApi.ALGO_BYTES);
    private final Memory value = new Memory(8);
    private final List<byte[]> others = new ArrayList<>();
    private String remark = "";
    private long scaleA;
    private long scaleB;

    GemmPlan(GemmShape shape) {
        this.shape = shape;
        try (Memory out = new Memory(8)) {
            CublasLtApi.check(
                    CublasLtApi.cublasLtMatmulDescCreate(out, CublasLtApi.COMPUTE_32F, CublasLtApi.R_32F), "cublasLtMatmulDescCreate");
            desc = out.getLong(0);
        }
        set(CublasLtApi.DESC_TRANSA, shape.transposeB() ? CublasLtApi.OP_T : CublasLtApi.OP_N);
        set(CublasLtApi.DESC_TRANSB, shape.transposeA() ? CublasLtApi.OP_T : CublasLtApi.OP_N);
        if (shape.scaled()) {
            // Hopper's short accumulators are precise enough forward; gradients get full ones, as is the custom.
            boolean gradient = shape.a() == DType.F8_E5M2 || shape.b() == DType.F8_E5M2;
            fastAccumulation(!gradient);
            if (shape.rowScales()) {
                set(CublasLtApi.DESC_A_SCALE_MODE, CublasLtApi.SCALE_OUTER_VECTOR);
                set(CublasLtApi.DESC_B_SCALE_MODE, CublasLtApi.SCALE_OUTER_VECTOR);
            }
        }
        first = shape.transposeB() ? layout(Gemm.type(shape.b()), shape.k(), shape.n()) : layout(Gemm.type(shape.b()), shape.n(), shape.k());
        second = shape.transposeA() ? layout(Gemm.type(shape.a()), shape.m(), shape.k()) : layout(Gemm.type(shape.a()), shape.k(), shape.m());
        result = layout(Gemm.type(shape.c()), shape.n(), shape.m());
    }

    /** Whether 8-bit products may keep their sums in the tensor cores' short accumulators. */
    void fastAccumulation(boolean on) {
        value.setByte(0, (byte) (on ? 1 : 0));
        attribute(CublasLtApi.DESC_FAST_ACCUM, 1);
    }

    private static long layout(int type, long rows, long columns) {
        try (Memory out = new Memory(8)) {
            CublasLtApi.check(CublasLtApi.cublasLtMatrixLayoutCreate(out, type, rows, columns, rows), "cublasLtMatrixLayoutCreate");
            return out.getLong(0);
        }
    }

    private void set(int attribute, int number) {
        value.setInt(0, number);
        attribute(attribute, 4);
    }

    private void attribute(int attribute, int bytes) {
        CublasLtApi.check(
                CublasLtApi.cublasLtMatmulDescSetAttribute(desc, attribute, value, bytes),
                "cublasLtMatmulDescSetAttribute " + attribute + " of " + shape.key());
    }

    /** Sets where the operands' scales lie; without this call 8-bit operands count as they are. */
    void scales(long ofA, long ofB) {
        if (ofA != scaleA || ofB != scaleB) {
            value.setLong(0, ofB);
            attribute(CublasLtApi.DESC_A_SCALE_POINTER, 8);
            value.setLong(0, ofA);
            attribute(CublasLtApi.DESC_B_SCALE_POINTER, 8);
            scaleA = ofA;
            scaleB = ofB;
        }
    }

    /** The shape that this multiplies. */
    GemmShape shape() {
        return shape;
    }

    /** Proposals of the library, best first by its own estimate; {@code into} has room for {@code count}. */
    int propose(long handle, long workspaceBytes, boolean deterministic, Memory into, int count) {
        try (Memory out = new Memory(8)) {
            CublasLtApi.check(CublasLtApi.cublasLtMatmulPreferenceCreate(out), "cublasLtMatmulPreferenceCreate");
            long preference = out.getLong(0);
            try {
                prefer(preference, CublasLtApi.PREF_WORKSPACE_BYTES, workspaceBytes, 8);
                for (int side : new int[] {
                    CublasLtApi.PREF_ALIGNMENT_A, CublasLtApi.PREF_ALIGNMENT_B, CublasLtApi.PREF_ALIGNMENT_C, CublasLtApi.PREF_ALIGNMENT_D
                }) {
                    prefer(preference, side, shape.alignment(), 4);
                }
                if (deterministic) {
                    prefer(preference, CublasLtApi.PREF_REDUCTION_SCHEMES, CublasLtApi.REDUCTION_ORDERED, 4);
                }
                int status = CublasLtApi.cublasLtMatmulAlgoGetHeuristic(
                        handle, desc, first, second, result, result, preference, count, into, out);
                if (status != 0) {
                    throw refused(status, ", no algorithm proposed");
                }
                return out.getInt(0);
            } finally {
                CublasLtApi.check(CublasLtApi.cublasLtMatmulPreferenceDestroy(preference), "cublasLtMatmulPreferenceDestroy");
            }
        }
    }

    private void prefer(long preference, int attribute, long number, int bytes) {
        value.setLong(0, number);
        CublasLtApi.check(
                CublasLtApi.cublasLtMatmulPreferenceSetAttribute(preference, attribute, value, bytes),
                "cublasLtMatmulPreferenceSetAttribute " + attribute);
    }

    /** Whether an algorithm from an earlier run fits this library, shape and workspace. */
    boolean accepts(long handle, byte[] candidate, long workspaceBytes) {
        try (Memory algo = new Memory(CublasLtApi.ALGO_BYTES); Memory answer = new Memory(CublasLtApi.HEURISTIC_BYTES)) {
            algo.write(0, candidate, 0, candidate.length);
            answer.clear();
            int status = CublasLtApi.cublasLtMatmulAlgoCheck(handle, desc, first, second, result, result, algo, answer);
            return status == 0 && answer.getInt(CublasLtApi.HEURISTIC_STATE) == 0 && answer.getLong(CublasLtApi.HEURISTIC_WORKSPACE) <= workspaceBytes;
        }
    }

    /** Fixes the algorithm. */
    void choose(byte[] algo, String why) {
        algorithm.write(0, algo, 0, CublasLtApi.ALGO_BYTES);
        remark = why;
        others.clear();
    }

    /** Fixes the first of some algorithms that nobody has tried: those that the library refuses when asked to run them are passed over. */
    void chooseFirst(List<byte[]> algorithms, String why) {
        choose(algorithms.get(0), why);
        others.addAll(algorithms.subList(1, algorithms.size()));
    }

    /** How the algorithm was chosen. */
    String remark() {
        return remark;
    }

    /** Enqueues D = alpha · A·B + beta · C; {@code scalars} holds alpha at byte 0 and beta at byte 8. */
    void run(long handle, CudaStream stream, Memory scalars, long a, long b, long c, long d, DeviceMemory workspace) {
        int status = tryRun(handle, stream, scalars, a, b, c, d, workspace, algorithm);
        while (status != 0 && !others.isEmpty()) {
            byte[] next = others.remove(0);
            algorithm.write(0, next, 0, CublasLtApi.ALGO_BYTES);
            status = tryRun(handle, stream, scalars, a, b, c, d, workspace, algorithm);
        }
        if (status != 0) {
            throw refused(status, "");
        }
    }

    int tryRun(long handle, CudaStream stream, Memory scalars, long a, long b, long c, long d, DeviceMemory workspace, Pointer algo) {
        long host = Pointer.nativeValue(scalars);
        return CublasLtApi.cublasLtMatmul(
                handle, desc, host, b, first, a, second, host + 8, c, result, d, result, Pointer.nativeValue(algo), workspace.address(),
                workspace.bytes(), stream.handle());
    }

    /** What to throw when the library does not multiply this: for 8-bit operands there is another way, which the line names. */
    RuntimeException refused(int status, String detail) {
        NativeException e = new NativeException(
                "cuBLASLt", "cublasLtMatmul of " + shape.key(), status, CublasLtApi.cublasLtGetStatusString(status) + detail);
        // A product that could not run for want of memory or behind another's fault would not run in bf16 either.
        boolean unknown = status != CublasLtApi.ALLOC_FAILED && status != CublasLtApi.EXECUTION_FAILED;
        return shape.scaled() && unknown
                ? UserError.environment("cuBLASLt " + CublasLtApi.cublasLtGetVersion() + " does no 8-bit product " + shape.key()
                        + " on this GPU: status " + CublasLtApi.text(status) + detail + "; set device.precision: bf16", e)
                : e;
    }

    @Override
    public void close() {
        CublasLtApi.cublasLtMatrixLayoutDestroy(first);
        CublasLtApi.cublasLtMatrixLayoutDestroy(second);
        CublasLtApi.cublasLtMatrixLayoutDestroy(result);
        CublasLtApi.cublasLtMatmulDescDestroy(desc);
        algorithm.close();
        value.close();
    }
}
