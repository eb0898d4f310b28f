package org.longhaul.natives;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.longhaul.tensor.Tensor;

/**
 * One kernel and its parameter block. Arguments are set left to right and the block is reused, so that a launch allocates
 * nothing; the driver copies the arguments when it launches. Not for several threads at once.
 */
public final class CudaKernel {
    private static final int SLOTS = 48;

    private final String name;
    private final long function;
    private final Memory memory;
    private final ByteBuffer values;
    private final long table;
    private int next;

    CudaKernel(String name, long function) {
        this.name = name;
        this.function = function;
        // First the table of argument addresses that cuLaunchKernel reads, then one 8-byte slot for each argument.
        this.memory = new Memory(2L * SLOTS * Long.BYTES);
        this.table = Pointer.nativeValue(memory);
        long slots = table + (long) SLOTS * Long.BYTES;
        for (int i = 0; i < SLOTS; i++) {
            memory.setLong((long) i * Long.BYTES, slots + (long) i * Long.BYTES);
        }
        this.values = memory.getByteBuffer((long) SLOTS * Long.BYTES, (long) SLOTS * Long.BYTES).order(ByteOrder.nativeOrder());
    }

    private int slot() {
        if (next == SLOTS) {
            throw new IllegalStateException(name + ": more than " + SLOTS + " arguments");
        }
        return next++ * Long.BYTES;
    }

    /** Next argument: a device address. */
    public CudaKernel pointer(long address) {
        values.putLong(slot(), address);
        return this;
    }

    /** Next argument: where a tensor starts, or a null pointer for null. */
    public CudaKernel pointer(Tensor tensor) {
        return pointer(tensor == null ? 0 : tensor.address());
    }

    /** Next argument: an {@code int}. */
    public CudaKernel int32(int value) {
        values.putInt(slot(), value);
        return this;
    }

    /** Next argument: a {@code long long}. */
    public CudaKernel int64(long value) {
        values.putLong(slot(), value);
        return this;
    }

    /** Next argument: a {@code float}. */
    public CudaKernel float32(float value) {
        values.putFloat(slot(), value);
        return this;
    }

    /** Forgets the arguments set since the last launch, when there is nothing to do after all. */
    public void reset() {
        next = 0;
    }

    /** Enqueues the kernel with the arguments set since the last launch. */
    public void launch(
            CudaStream stream, int gridX, int gridY, int gridZ, int blockX, int blockY, int blockZ, int sharedBytes) {
        next = 0;
        int status = CudaApi.cuLaunchKernel(
                function, gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, stream.handle(), table, 0);
        if (status != CudaApi.SUCCESS) {
            throw CudaFault.of(status, "launch of " + name + " on a grid of " + gridX + "×" + gridY + "×" + gridZ + " blocks of "
                    + blockX + "×" + blockY + "×" + blockZ + " threads with " + sharedBytes + " shared bytes");
        }
    }

    /** Enqueues the kernel on a one-dimensional grid without dynamic shared memory. */
    public void launch(CudaStream stream, int blocks, int threads) {
        launch(stream, blocks, 1, 1, threads, 1, 1, 0);
    }

    /** Bytes of one thread that spilled to local memory. */
    public int localBytes() {
        return attribute(CudaApi.FUNCTION_LOCAL_BYTES);
    }

    /** Lets launches ask for up to this much dynamic shared memory; above 48 KiB that must be said first. */
    public CudaKernel maxDynamicShared(int bytes) {
        CudaApi.check(CudaApi.cuFuncSetAttribute(function, CudaApi.FUNCTION_MAX_DYNAMIC_SHARED, bytes),
                "cuFuncSetAttribute of " + name + " to " + bytes + " shared bytes");
        return this;
    }

    private int attribute(int attribute) {
        try (Memory out = new Memory(8)) {
            CudaApi.check(CudaApi.cuFuncGetAttribute(out, attribute, function), "cuFuncGetAttribute of " + name);
            return out.getInt(0);
        }
    }
}
