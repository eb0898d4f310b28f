package org.longhaul.natives;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import org.longhaul.error.UserError;

/** The part of libtorch's C ABI that lives in libtorch_cuda: the current stream, and fused attention by cuDNN and FlashAttention. */
final class LibTorchCuda {
    private static final UserError MISSING = NativeLibraries.bind(() -> {
        LibTorch.load();
        NativeLibrary library = NativeLibraries.open(
                "torch_cuda", "this libtorch has no CUDA: point PYTORCH_LIBRARY_PATH at the lib folder of a CUDA build of PyTorch",
                "libtorch_cuda.so");
        try {
            Native.register(LibTorchCuda.class, library);
        } catch (UnsatisfiedLinkError e) {
            throw UserError.environment("libtorch_cuda at " + library.getFile() + " lacks " + e.getMessage()
                    + "; PyTorch 2.7 or newer is needed", e);
        }
    });

    private LibTorchCuda() {}

    /** Throws the UserError (exit 3) that says what is missing, where this library could not be loaded. */
    static void require() {
        if (MISSING != null) {
            throw MISSING;
        }
    }

    /** From now on libtorch enqueues this thread's work on the stream. */
    static native int aoti_torch_create_cuda_stream_guard(long stream, int device, long outGuard);

    static native int aoti_torch_delete_cuda_stream_guard(long guard);

    static native int aoti_torch_get_current_cuda_stream(int device, long outStream);

    static native int aoti_torch_cuda__scaled_dot_product_cudnn_attention(
            long query, long key, long value, long bias, int computeLogSumExp, double dropout, int causal, int debugMask, long scale,
            long out, long logSumExp, long sequencesQ, long sequencesK, long maxQ, long maxK, long seed, long offset, long debug);

    static native int aoti_torch_cuda__scaled_dot_product_cudnn_attention_backward(
            long gradient, long query, long key, long value, long out, long logSumExp, long seed, long offset, long bias, long sequencesQ,
            long sequencesK, long maxQ, long maxK, double dropout, int causal, long scale, long dQuery, long dKey, long dValue);

    static native int aoti_torch_cuda__scaled_dot_product_flash_attention(
            long query, long key, long value, double dropout, int causal, int debugMask, long scale, long out, long logSumExp,
            long sequencesQ, long sequencesK, long maxQ, long maxK, long seed, long offset, long debug);

    static native int aoti_torch_cuda__scaled_dot_product_flash_attention_backward(
            long gradient, long query, long key, long value, long out, long logSumExp, long sequencesQ, long sequencesK, long maxQ,
            long maxK, double dropout, int causal, long seed, long offset, long scale, long dQuery, long dKey, long dValue);
}
