package org.longhaul.natives;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.pytorch.jni.LibUtils;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.IntSupplier;
import org.longhaul.error.UserError;

/**
 * libtorch's stable C ABI ({@code aoti_torch_*}), bound by JNA direct mapping. Handles are {@code AtenTensorHandle}, the same
 * {@code at::Tensor*} as DJL's. Addresses travel as {@code long}. Each entry answers 0, or an error code for {@link #check}.
 */
public final class LibTorch {
    private static final UserError MISSING = NativeLibraries.bind(() -> {
        Optional<TorchSite> site = TorchSite.detect();
        site.ifPresent(TorchSite::check);
        if (site.isEmpty() && !TorchSite.brought(LibTorch.class.getClassLoader())) {
            throw UserError.environment("this installation brings no libtorch; " + TorchSite.BRING);
        }
        Quiet.settings(site);
        try {
            Engine.getEngine("PyTorch");
        } catch (EngineException | LinkageError e) {
            throw UserError.environment("libtorch does not start: " + cause(e) + "; longhaul doctor says what this machine has", e);
        }
        Native.register(LibTorch.class, NativeLibrary.getInstance(folder().resolve("libtorch_cpu.so").toString()));
        ErrorText.quiet();
    });

    /** {@code at::DeviceType} of the CPU. */
    public static final int CPU = 0;
    /** {@code at::DeviceType} of NVIDIA GPUs. */
    public static final int CUDA = 1;

    private static final ThreadLocal<Memory> OUT = ThreadLocal.withInitial(() -> new Memory(64));
    private static final ThreadLocal<Memory> STACK = ThreadLocal.withInitial(() -> new Memory(32 * Long.BYTES));

    private LibTorch() {}

    /** Loads the engine; UserError (exit 3) says what made that impossible. */
    public static void load() {
        if (MISSING != null) {
            throw MISSING;
        }
    }

    /** Room for one 64-byte result, one per thread. */
    static Memory out() {
        return OUT.get();
    }

    /** Room for the arguments of a dispatcher call, one per thread. */
    static Memory stack() {
        return STACK.get();
    }

    private static String cause(Throwable e) {
        Throwable deepest = e;
        while (deepest.getCause() != null) {
            deepest = deepest.getCause();
        }
        return String.valueOf(deepest.getMessage()).lines().findFirst().orElse(deepest.toString());
    }

    /** The folder libtorch was loaded from. */
    static Path folder() {
        return Path.of(LibUtils.getLibtorchPath());
    }

    /** Throws when a call answered an error; {@link #run} also tells libtorch's reason. */
    public static void check(int status, String what) {
        if (status != 0) {
            throw new NativeException("libtorch", what, status, "refused");
        }
    }

    /** Makes a call that answers a status; where it fails it is made again to hear libtorch's reason, so it must be repeatable. */
    public static void run(String what, IntSupplier call) {
        int status = call.getAsInt();
        if (status != 0) {
            throw failure(status, what, call);
        }
    }

    /** The exception for a call that failed, which {@code again} repeats. */
    static NativeException failure(int status, String what, IntSupplier again) {
        return new NativeException("libtorch", what, status, ErrorText.of(again));
    }

    static native int aoti_torch_dtype_float32();

    static native int aoti_torch_dtype_bfloat16();

    static native int aoti_torch_dtype_float8_e4m3fn();

    static native int aoti_torch_dtype_float8_e5m2();

    static native int aoti_torch_dtype_int32();

    static native int aoti_torch_dtype_int64();

    static native int aoti_torch_dtype_uint8();

    /** A view of memory that somebody else owns; sizes and strides in elements. */
    static native int aoti_torch_create_tensor_from_blob(
            long data, long dimensions, long sizes, long strides, long storageOffset, int dtype, int deviceType, int deviceIndex,
            long outHandle);

    /** A second handle of the same tensor. */
    static native int aoti_torch_new_tensor_handle(long handle, long outHandle);

    static native int aoti_torch_delete_tensor_object(long handle);

    static native int aoti_torch_get_data_ptr(long handle, long outAddress);

    static native int aoti_torch_get_stride(long handle, long dimension, long outStride);

    static native int aoti_torch_new_uninitialized_tensor(long outHandle);

    static native int aoti_torch_empty_strided(
            long dimensions, long sizes, long strides, int dtype, int deviceType, int deviceIndex, long outHandle);

    static native int aoti_torch_scalar_to_tensor_float32(float value, long outHandle);

    static native int aoti_torch__reinterpret_tensor(
            long handle, long dimensions, long sizes, long strides, long storageOffset, long outHandle);

    static native int aoti_torch_copy_(long destination, long source, int nonBlocking);

    static native int aoti_torch_zero_(long handle);

    static native int aoti_torch_mm_out(long out, long a, long b);

    static native int aoti_torch_bmm_out(long out, long a, long b);

    static native int aoti_torch_addmm_out(long out, long self, long a, long b, float beta, float alpha);

    /** Runs any ATen operator; tensor arguments on the stack are consumed, results replace them from slot 0. */
    static native int aoti_torch_call_dispatcher(long operator, long overload, long stack);
}
