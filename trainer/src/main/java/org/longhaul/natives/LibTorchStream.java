package org.longhaul.natives;

import com.sun.jna.Pointer;

/** Which stream libtorch enqueues the calling thread's work on. */
public final class LibTorchStream {
    private static final ThreadLocal<Long> GUARD = new ThreadLocal<>();

    private LibTorchStream() {}

    /** Makes libtorch use the stream on this thread until {@link #release} or another stream. */
    public static void use(CudaStream stream, int device) {
        LibTorchCuda.require();
        release(device);
        LibTorch.check(
                LibTorchCuda.aoti_torch_create_cuda_stream_guard(stream.handle(), device, Pointer.nativeValue(LibTorch.out())),
                "current stream of GPU " + device);
        GUARD.set(LibTorch.out().getLong(0));
    }

    /** Goes back to libtorch's own stream on this thread. */
    public static void release(int device) {
        Long guard = GUARD.get();
        if (guard != null) {
            GUARD.remove();
            LibTorch.check(LibTorchCuda.aoti_torch_delete_cuda_stream_guard(guard), "current stream of GPU " + device);
        }
    }

    /** The stream libtorch uses on this thread. */
    public static long current(int device) {
        LibTorch.check(
                LibTorchCuda.aoti_torch_get_current_cuda_stream(device, Pointer.nativeValue(LibTorch.out())),
                "current stream of GPU " + device);
        return LibTorch.out().getLong(0);
    }
}
