package org.longhaul.natives;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import org.longhaul.error.UserError;

/** cuBLASLt's C entry points and constants as they are (cublasLt.h). */
final class CublasLtApi {
    static final int COMPUTE_32F = 68;
    static final int R_32F = 0;
    static final int R_16BF = 14;
    static final int R_8F_E4M3 = 28;
    static final int R_8F_E5M2 = 29;
    static final int OP_N = 0;
    static final int OP_T = 1;

    static final int DESC_TRANSA = 3;
    static final int DESC_TRANSB = 4;
    static final int DESC_SM_COUNT_TARGET = 15;
    static final int DESC_A_SCALE_POINTER = 17;
    static final int DESC_B_SCALE_POINTER = 18;
    static final int DESC_FAST_ACCUM = 25;
    static final int DESC_A_SCALE_MODE = 31;
    static final int DESC_B_SCALE_MODE = 32;
    static final int SCALE_OUTER_VECTOR = 3;

    static final int PREF_WORKSPACE_BYTES = 1;
    static final int PREF_REDUCTION_SCHEMES = 3;
    static final int PREF_ALIGNMENT_A = 5;
    static final int PREF_ALIGNMENT_B = 6;
    static final int PREF_ALIGNMENT_C = 7;
    static final int PREF_ALIGNMENT_D = 8;
    /** Split-K partial sums added in a fixed order; the in-place scheme adds them as they come. */
    static final int REDUCTION_ORDERED = 2 | 4;

    static final int CAP_TILES = 6;
    static final int CONFIG_TILE = 1;
    static final int CONFIG_SWIZZLE = 4;
    static final int CONFIG_CUSTOM = 5;
    static final int CONFIG_STAGES = 6;
    static final int CONFIG_CLUSTER = 8;

    static final int ALLOC_FAILED = 3;
    static final int EXECUTION_FAILED = 13;
    static final int NOT_SUPPORTED = 15;

    static final int ALGO_BYTES = 64;
    static final int HEURISTIC_BYTES = 96;
    static final int HEURISTIC_WORKSPACE = 64;
    static final int HEURISTIC_STATE = 72;

    private static final UserError MISSING = NativeLibraries.bind(() -> {
        NativeLibrary library = NativeLibraries.open(
                "cublasLt", "it comes with every CUDA build of PyTorch: point PYTORCH_LIBRARY_PATH at that PyTorch's lib folder",
                "libcublasLt.so.13", "libcublasLt.so.12");
        Native.register(CublasLtApi.class, library);
    });

    private CublasLtApi() {}

    /** Throws the UserError (exit 3) that says what is missing, where this library could not be loaded. */
    static void require() {
        if (MISSING != null) {
            throw MISSING;
        }
    }

    static native long cublasLtGetVersion();

    static native String cublasLtGetStatusString(int status);

    static native int cublasLtCreate(Pointer handle);

    static native int cublasLtDestroy(long handle);

    static native int cublasLtMatmulDescCreate(Pointer desc, int computeType, int scaleType);

    static native int cublasLtMatmulDescSetAttribute(long desc, int attribute, Pointer value, long bytes);

    static native int cublasLtMatmulDescDestroy(long desc);

    static native int cublasLtMatrixLayoutCreate(Pointer layout, int type, long rows, long columns, long leading);

    static native int cublasLtMatrixLayoutDestroy(long layout);

    static native int cublasLtMatmulPreferenceCreate(Pointer preference);

    static native int cublasLtMatmulPreferenceSetAttribute(long preference, int attribute, Pointer value, long bytes);

    static native int cublasLtMatmulPreferenceDestroy(long preference);

    static native int cublasLtMatmulAlgoGetHeuristic(
            long handle, long desc, long a, long b, long c, long d, long preference, int requested, Pointer results, Pointer count);

    static native int cublasLtMatmulAlgoCheck(
            long handle, long desc, long a, long b, long c, long d, Pointer algorithm, Pointer result);

    static native int cublasLtMatmulAlgoConfigGetAttribute(Pointer algorithm, int attribute, Pointer value, long bytes, Pointer written);

    static native int cublasLtMatmulAlgoConfigSetAttribute(Pointer algorithm, int attribute, Pointer value, long bytes);

    static native int cublasLtMatmulAlgoCapGetAttribute(Pointer algorithm, int attribute, Pointer value, long bytes, Pointer written);

    static native int cublasLtLoggerOpenFile(String file);

    static native int cublasLtLoggerSetLevel(int level);

    static native int cublasLtMatmul(
            long handle, long desc, long alpha, long a, long aLayout, long b, long bLayout, long beta, long c, long cLayout, long d,
            long dLayout, long algorithm, long workspace, long workspaceBytes, long stream);

    /** A status in words, for instance {@code 7 (CUBLAS_STATUS_INVALID_VALUE)}. */
    static String text(int status) {
        return status + " (" + cublasLtGetStatusString(status) + ")";
    }

    static void check(int status, String call) {
        if (status == ALLOC_FAILED) {
            throw CudaFault.of(CudaFault.OUT_OF_MEMORY, "cuBLASLt's " + call);
        }
        if (status != 0) {
            throw new NativeException("cuBLASLt", call, status, cublasLtGetStatusString(status));
        }
    }
}
