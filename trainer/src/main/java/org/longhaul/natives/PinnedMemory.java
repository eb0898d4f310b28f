package org.longhaul.natives;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Page-locked host memory, which the GPU copies from and to without the host's help. */
public final class PinnedMemory implements AutoCloseable {
    private final Pointer pointer;

    private PinnedMemory(Pointer pointer) {
        this.pointer = pointer;
    }

    static PinnedMemory allocate(long bytes) {
        try (Memory out = new Memory(8)) {
            int status = CudaApi.cuMemHostAlloc(out, bytes, 0);
            if (status != CudaApi.SUCCESS) {
                throw CudaFault.ofPinned(status, bytes);
            }
            return new PinnedMemory(out.getPointer(0));
        }
    }

    /** Address of a direct buffer's position. */
    public static long addressOf(ByteBuffer direct) {
        return Pointer.nativeValue(Native.getDirectBufferPointer(direct)) + direct.position();
    }

    /** Address of the first byte. */
    public long address() {
        return Pointer.nativeValue(pointer);
    }

    /** A window of at most 2 GiB in native order; it must not be used after {@link #close}. */
    public ByteBuffer buffer(long offset, long length) {
        return pointer.getByteBuffer(offset, length).order(ByteOrder.nativeOrder());
    }

    @Override
    public void close() {
        CudaApi.check(CudaApi.cuMemFreeHost(address()), "cuMemFreeHost");
    }
}
