package org.longhaul.natives;

import com.sun.jna.Memory;

/** One allocation of GPU memory, freed once. */
public final class DeviceMemory implements AutoCloseable {
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
            if (status != CudaApi.SUCCESS) {
                throw CudaFault.ofAllocation(status, bytes, device);
            }
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
