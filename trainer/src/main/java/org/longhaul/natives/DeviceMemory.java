package org.longhaul.natives;

import com.sun.jna.Memory;
import org.longhaul.error.UserError;
import org.longhaul.tensor.OutOfDeviceMemory;

/** One allocation of GPU memory, freed once. */
public final class DeviceMemory implements AutoCloseable {
    private static final double GIB = 1L << 30;

    private final long address;
    private final long bytes;
    private boolean open = true;

    private DeviceMemory(long address, long bytes) {
        this.address = address;
        this.bytes = bytes;
    }

    static DeviceMemory allocate(CudaDevice device, long bytes) {
        try (Memory out = new Memory(8)) {
            int status = CudaApi.cuMemAlloc_v2(out, Math.max(bytes, 1));
            if (status == CudaApi.OUT_OF_MEMORY) {
                throw UserError.environment(String.format(
                        "%s (GPU %d) has %.2f GiB free of %.2f, %.2f GiB more are needed; lower micro_batch, raise recompute,"
                                + " or shard over more GPUs (longhaul plan shows the table)",
                        device.name(), device.ordinal(), device.freeMemory() / GIB, device.totalMemory() / GIB, bytes / GIB),
                        new OutOfDeviceMemory("cuMemAlloc of " + bytes + " bytes"));
            }
            CudaApi.check(status, "cuMemAlloc of " + bytes + " bytes");
            return new DeviceMemory(out.getLong(0), bytes);
        }
    }

    /** Address of the first byte, 256-byte aligned. */
    public long address() {
        return address;
    }

    /** Size in bytes. */
    public long bytes() {
        return bytes;
    }

    @Override
    public void close() {
        if (open) {
            open = false;
            CudaApi.check(CudaApi.cuMemFree_v2(address), "cuMemFree");
        }
    }
}
