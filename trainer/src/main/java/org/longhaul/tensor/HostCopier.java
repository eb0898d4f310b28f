package org.longhaul.tensor;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * Copies from the device to host memory that run beside the computation. One copy is under way at a time. Used by the
 * backend's thread, except {@link #await}. Must be closed before the backend.
 */
public interface HostCopier extends AutoCloseable {
    /** Host memory that copies may go to, in native order; page-locked on a GPU. It belongs to the copier and lives as long. */
    ByteBuffer allocate(int bytes);

    /**
     * Starts copying each source to the destination beside it: whole tensors to slices of {@link #allocate}d memory of as many bytes.
     * The copies see all work enqueued on the compute stream so far. The sources must not change before {@link #gate} or {@link #await}.
     */
    void start(List<ByteBuffer> destinations, List<Tensor> sources);

    /** Makes work that is enqueued on the compute stream from now on wait for the copies, without holding up the caller. */
    void gate();

    /** Returns when the bytes are there; any thread may call it. */
    void await();

    @Override
    void close();

    /** Copies of a device that has nothing to run beside: they are done when {@link #start} returns. */
    static HostCopier direct(Backend backend) {
        return new DirectCopier(backend);
    }
}
