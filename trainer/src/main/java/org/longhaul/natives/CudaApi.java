package org.longhaul.natives;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import org.longhaul.error.UserError;

/** The CUDA driver's C entry points as they are; addresses and handles travel as {@code long}. */
final class CudaApi {
    static final int SUCCESS = 0;
    static final int NOT_READY = 600;

    static final int ATTRIBUTE_MULTIPROCESSORS = 16;
    static final int ATTRIBUTE_MEMORY_CLOCK_KHZ = 36;
    static final int ATTRIBUTE_MEMORY_BUS_BITS = 37;
    static final int ATTRIBUTE_MAJOR = 75;
    static final int ATTRIBUTE_MINOR = 76;
    static final int ATTRIBUTE_SHARED_PER_BLOCK = 97;

    static final int FUNCTION_LOCAL_BYTES = 3;
    static final int FUNCTION_MAX_DYNAMIC_SHARED = 8;

    static final int STREAM_NON_BLOCKING = 1;
    static final int EVENT_DISABLE_TIMING = 2;
    static final int CAPTURE_RELAXED = 2;
    static final int GRAPH_NODE_PRIORITIES = 8;

    private static NativeLibrary loaded;
    private static final UserError MISSING = NativeLibraries.bind(() -> {
        NativeLibrary library = NativeLibraries.open(
                "cuda", "install the NVIDIA driver (nvidia-smi must work on this node) or run on the CPU", "libcuda.so.1", "libcuda.so");
        Native.register(CudaApi.class, library);
        loaded = library;
    });

    private CudaApi() {}

    /** Throws the UserError (exit 3) that says what is missing, where this library could not be loaded. */
    static void require() {
        if (MISSING != null) {
            throw MISSING;
        }
    }

    /** The driver, for entry points that older ones lack. */
    static NativeLibrary library() {
        return loaded;
    }

    static native int cuInit(int flags);

    static native int cuDriverGetVersion(Pointer version);

    static native int cuGetErrorName(int error, Pointer text);

    static native int cuGetErrorString(int error, Pointer text);

    static native int cuDeviceGetCount(Pointer count);

    static native int cuDeviceGet(Pointer device, int ordinal);

    static native int cuDeviceGetName(Pointer name, int length, int device);

    static native int cuDeviceGetAttribute(Pointer value, int attribute, int device);

    static native int cuDeviceTotalMem_v2(Pointer bytes, int device);

    static native int cuDevicePrimaryCtxRetain(Pointer context, int device);

    static native int cuDevicePrimaryCtxRelease_v2(int device);

    static native int cuCtxSetCurrent(long context);

    static native int cuCtxSynchronize();

    static native int cuMemGetInfo_v2(Pointer free, Pointer total);

    static native int cuMemAlloc_v2(Pointer address, long bytes);

    static native int cuMemFree_v2(long address);

    static native int cuMemHostAlloc(Pointer address, long bytes, int flags);

    static native int cuMemFreeHost(long address);

    static native int cuMemcpyHtoDAsync_v2(long destination, long source, long bytes, long stream);

    static native int cuMemcpyDtoHAsync_v2(long destination, long source, long bytes, long stream);

    static native int cuMemcpyDtoDAsync_v2(long destination, long source, long bytes, long stream);

    static native int cuMemsetD8Async(long destination, byte value, long bytes, long stream);

    static native int cuStreamCreateWithPriority(Pointer stream, int flags, int priority);

    static native int cuCtxGetStreamPriorityRange(Pointer least, Pointer greatest);

    static native int cuStreamDestroy_v2(long stream);

    static native int cuStreamSynchronize(long stream);

    static native int cuStreamWaitEvent(long stream, long event, int flags);

    static native int cuEventCreate(Pointer event, int flags);

    static native int cuEventDestroy_v2(long event);

    static native int cuEventRecord(long event, long stream);

    static native int cuEventQuery(long event);

    static native int cuEventSynchronize(long event);

    static native int cuEventElapsedTime(Pointer milliseconds, long start, long end);

    static native int cuModuleLoadData(Pointer module, Pointer image);

    static native int cuModuleUnload(long module);

    static native int cuModuleGetFunction(Pointer function, long module, String name);

    static native int cuFuncGetAttribute(Pointer value, int attribute, long function);

    static native int cuFuncSetAttribute(long function, int attribute, int value);

    static native int cuLaunchKernel(
            long function, int gridX, int gridY, int gridZ, int blockX, int blockY, int blockZ, int sharedBytes, long stream,
            long parameters, long extra);

    static native int cuStreamBeginCapture_v2(long stream, int mode);

    static native int cuStreamEndCapture(long stream, Pointer graph);

    static native int cuGraphInstantiateWithFlags(Pointer executable, long graph, long flags);

    static native int cuGraphGetNodes(long graph, Pointer nodes, Pointer count);

    static native int cuGraphLaunch(long executable, long stream);

    static native int cuGraphDestroy(long graph);

    static native int cuGraphExecDestroy(long executable);

    static native int cuProfilerStart();

    static native int cuProfilerStop();

    /** Throws unless the status is success. */
    static void check(int status, String call) {
        if (status != SUCCESS) {
            throw CudaFault.of(status, call);
        }
    }

    static String text(int status) {
        try (Memory out = new Memory(16)) {
            String name = cuGetErrorName(status, out) == SUCCESS ? out.getPointer(0).getString(0) : "unknown";
            String words = cuGetErrorString(status, out) == SUCCESS ? out.getPointer(0).getString(0) : "no description";
            return name + ", " + words;
        }
    }
}
