package org.longhaul.natives;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/**
 * libtorch's view of our tensors, and the temporaries of one operation; all are let go when the scope closes. DJL attaches a
 * result to the manager of its first operand, so every array made from arrays of a scope belongs to it too.
 */
public final class Scope implements AutoCloseable {
    private static final ThreadLocal<Memory> DIMENSIONS = ThreadLocal.withInitial(() -> new Memory(16 * Long.BYTES));

    private final PtNDManager manager;
    private final int deviceType;
    private final int deviceIndex;

    private Scope(int deviceType, int deviceIndex) {
        LibTorch.load();
        this.deviceType = deviceType;
        this.deviceIndex = deviceIndex;
        Device device = deviceType == LibTorch.CUDA ? Device.gpu(deviceIndex) : Device.cpu();
        this.manager = (PtNDManager) Engine.getEngine("PyTorch").newBaseManager(device);
    }

    /** A scope on the device of the tensor. */
    public static Scope on(Tensor tensor) {
        EngineArena arena = (EngineArena) tensor.arena();
        return new Scope(arena.deviceType(), arena.deviceIndex());
    }

    /** Whether the scope's device is the CPU. */
    public boolean isCpu() {
        return deviceType == LibTorch.CPU;
    }

    /** The tensor as libtorch sees it: the same memory. */
    public NDArray of(Tensor tensor) {
        long[] sizes = tensor.shape();
        return of(tensor, 0, sizes, rowMajor(sizes));
    }

    /** Part of the tensor's memory from an element offset, in any sizes and strides (in elements). */
    public NDArray of(Tensor tensor, long offset, long[] sizes, long[] strides) {
        return wrap(view(tensor, offset, sizes, strides));
    }

    /** The matrix transposed, without a copy. */
    public NDArray transposed(Tensor matrix) {
        long rows = matrix.size(0);
        long columns = matrix.elements() / rows;
        return of(matrix, 0, new long[] {columns, rows}, new long[] {1, columns});
    }

    /** An uninitialised array. */
    public NDArray empty(DType dtype, long... sizes) {
        long dimensions = dimensions(sizes, rowMajor(sizes));
        LibTorch.check(
                LibTorch.aoti_torch_empty_strided(
                        sizes.length, dimensions, dimensions + 8L * sizes.length, code(dtype), deviceType, deviceIndex,
                        outAddress()),
                "empty " + new Shape(sizes));
        return wrap(LibTorch.out().getLong(0));
    }

    /** A zero-dimensional F32 value on the host, which libtorch broadcasts to any device. */
    public NDArray scalar(double value) {
        LibTorch.check(LibTorch.aoti_torch_scalar_to_tensor_float32((float) value, outAddress()), "scalar");
        return wrap(LibTorch.out().getLong(0));
    }

    /** Another look at an array's memory. */
    public NDArray reinterpret(NDArray array, long offset, long[] sizes, long[] strides) {
        long dimensions = dimensions(sizes, strides);
        LibTorch.check(
                LibTorch.aoti_torch__reinterpret_tensor(
                        handle(array), sizes.length, dimensions, dimensions + 8L * sizes.length, offset, outAddress()),
                "view as " + new Shape(sizes));
        return wrap(LibTorch.out().getLong(0));
    }

    NDArray wrap(long handle) {
        return new PtNDArray(manager, handle);
    }

    static long handle(NDArray array) {
        return ((PtNDArray) array).getHandle();
    }

    /** A new handle on a tensor's memory, to be deleted by the caller. */
    static long view(Tensor tensor, long offset, long[] sizes, long[] strides) {
        EngineArena arena = (EngineArena) tensor.arena();
        long dimensions = dimensions(sizes, strides);
        LibTorch.check(
                LibTorch.aoti_torch_create_tensor_from_blob(
                        tensor.address() + offset * tensor.dtype().bytes(), sizes.length, dimensions,
                        dimensions + 8L * sizes.length, 0, code(tensor.dtype()), arena.deviceType(), arena.deviceIndex(),
                        outAddress()),
                tensor.toString());
        return LibTorch.out().getLong(0);
    }

    static int code(DType dtype) {
        return switch (dtype) {
            case F32 -> LibTorch.aoti_torch_dtype_float32();
            case BF16 -> LibTorch.aoti_torch_dtype_bfloat16();
            case F8_E4M3 -> LibTorch.aoti_torch_dtype_float8_e4m3fn();
            case F8_E5M2 -> LibTorch.aoti_torch_dtype_float8_e5m2();
            case I32 -> LibTorch.aoti_torch_dtype_int32();
            case I64 -> LibTorch.aoti_torch_dtype_int64();
            case U8 -> LibTorch.aoti_torch_dtype_uint8();
        };
    }

    static long[] rowMajor(long... sizes) {
        long[] strides = new long[sizes.length];
        long n = 1;
        for (int i = sizes.length - 1; i >= 0; i--) {
            strides[i] = n;
            n *= sizes[i];
        }
        return strides;
    }

    private static long outAddress() {
        return Pointer.nativeValue(LibTorch.out());
    }

    private static long dimensions(long[] sizes, long[] strides) {
        Memory memory = DIMENSIONS.get();
        memory.write(0, sizes, 0, sizes.length);
        memory.write(8L * sizes.length, strides, 0, strides.length);
        return Pointer.nativeValue(memory);
    }

    @Override
    public void close() {
        manager.close();
    }
}
