package org.longhaul.natives;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import org.longhaul.error.UserError;

/** cuDNN's backend (graph) C entry points and constants as they are (cudnn_graph.h, cuDNN 9). */
final class CudnnApi {
    static final int FLOAT = 0;
    static final int INT32 = 4;
    static final int BFLOAT16 = 9;
    static final int BOOLEAN = 11;

    static final int ADD = 0;
    static final int MUL = 1;
    static final int DIV = 6;
    static final int SUB = 9;
    static final int EXP = 13;
    static final int LOG = 15;
    static final int IDENTITY = 21;
    static final int COMPARE_GE = 303;
    static final int COMPARE_LT = 304;
    static final int LOGICAL_AND = 400;
    static final int GEN_INDEX = 501;
    static final int SELECT = 601;

    static final int REDUCE_ADD = 0;
    static final int REDUCE_MAX = 3;

    static final int TYPE_HANDLE = 0;
    static final int TYPE_DATA_TYPE = 1;
    static final int TYPE_BOOLEAN = 2;
    static final int TYPE_INT64 = 3;
    static final int TYPE_DOUBLE = 5;
    static final int TYPE_POINTER = 6;
    static final int TYPE_HEURISTIC = 8;
    static final int TYPE_NOTE = 11;
    static final int TYPE_POINTWISE = 14;
    static final int TYPE_DESCRIPTOR = 15;
    static final int TYPE_REDUCTION = 18;
    static final int TYPE_CHAR = 24;

    static final int POINTWISE = 0;
    static final int ENGINE = 2;
    static final int ENGINE_CONFIG = 3;
    static final int ENGINE_HEURISTICS = 4;
    static final int EXECUTION_PLAN = 5;
    static final int OPERATION_POINTWISE = 13;
    static final int OPERATION_GRAPH = 15;
    static final int VARIANT_PACK = 16;
    static final int TENSOR = 17;
    static final int MATMUL = 18;
    static final int OPERATION_MATMUL = 19;
    static final int REDUCTION = 21;
    static final int OPERATION_REDUCTION = 22;
    static final int OPERATION_RESHAPE = 31;
    static final int DEVICE_PROPERTIES = 38;

    static final int HEURISTIC_MODE_A = 3;
    static final int NOTE_NONDETERMINISTIC = 4;

    private static final UserError MISSING = NativeLibraries.bind(() -> {
        NativeLibrary library = NativeLibraries.open(
                "cudnn", "it comes with every CUDA build of PyTorch: point PYTORCH_LIBRARY_PATH at that PyTorch's lib folder",
                "libcudnn.so.9");
        Native.register(CudnnApi.class, library);
    });

    private CudnnApi() {}

    /** Throws the UserError (exit 3) that says what is missing, where this library could not be loaded. */
    static void require() {
        if (MISSING != null) {
            throw MISSING;
        }
    }

    static native long cudnnGetVersion();

    static native String cudnnGetErrorString(int status);

    static native void cudnnGetLastErrorString(Pointer message, long size);

    static native int cudnnCreate(Pointer handle);

    static native int cudnnDestroy(long handle);

    static native int cudnnSetStream(long handle, long stream);

    static native int cudnnBackendCreateDescriptor(int type, Pointer descriptor);

    static native int cudnnBackendDestroyDescriptor(long descriptor);

    static native int cudnnBackendFinalize(long descriptor);

    static native int cudnnBackendSetAttribute(long descriptor, int attribute, int type, long count, Pointer values);

    static native int cudnnBackendGetAttribute(long descriptor, int attribute, int type, long count, Pointer counted, Pointer values);

    static native int cudnnBackendExecute(long handle, long plan, long variantPack);

    /** Throws a {@link NativeException} with cuDNN's last message unless the status is success. */
    static void check(int status, String what) {
        if (status != 0) {
            String last;
            try (Memory text = new Memory(2048)) {
                text.clear();
                cudnnGetLastErrorString(text, text.size());
                last = text.getString(0).strip();
            }
            throw new NativeException("cuDNN", what, status, cudnnGetErrorString(status) + (last.isEmpty() ? "" : ": " + last));
        }
    }
}
