package org.longhaul.natives;

import com.sun.jna.Memory;

/** A mark in a stream: other streams can wait for it, the host can ask for it, and two of them measure time. */
public final class CudaEvent implements AutoCloseable {
    private final long handle;

    private CudaEvent(long handle) {
        this.handle = handle;
    }

    static CudaEvent create(boolean timing) {
        try (Memory out = new Memory(8)) {
            CudaApi.check(CudaApi.cuEventCreate(out, timing ? 0 : CudaApi.EVENT_DISABLE_TIMING), "cuEventCreate");
            return new CudaEvent(out.getLong(0));
        }
    }

    long handle() {
        return handle;
    }

    /** Marks the end of what is enqueued on the stream so far. */
    public void record(CudaStream stream) {
        CudaApi.check(CudaApi.cuEventRecord(handle, stream.handle()), "cuEventRecord");
    }

    /** Whether the GPU has passed the mark. */
    public boolean passed() {
        int status = CudaApi.cuEventQuery(handle);
        if (status == CudaApi.NOT_READY) {
            return false;
        }
        CudaApi.check(status, "cuEventQuery");
        return true;
    }

    /** Blocks until the GPU has passed the mark. */
    public void await() {
        CudaApi.check(CudaApi.cuEventSynchronize(handle), "cuEventSynchronize");
    }

    /** Milliseconds from {@code start}'s mark to this one; both must have passed. */
    public float millisecondsSince(CudaEvent start) {
        try (Memory out = new Memory(8)) {
            CudaApi.check(CudaApi.cuEventElapsedTime(out, start.handle, handle), "cuEventElapsedTime");
            return out.getFloat(0);
        }
    }

    @Override
    public void close() {
        CudaApi.check(CudaApi.cuEventDestroy_v2(handle), "cuEventDestroy");
    }
}
