package org.longhaul.cuda;

import java.util.function.Consumer;
import org.longhaul.natives.DeviceMemory;
import org.longhaul.natives.EngineArena;
import org.longhaul.natives.LibTorch;

/** GPU memory straight from the driver, so that what is planned is what is held. */
final class CudaArena extends EngineArena {
    private final DeviceMemory memory;
    private final int device;
    private final Consumer<CudaArena> onClose;

    CudaArena(String name, DeviceMemory memory, int device, Consumer<CudaArena> onClose) {
        super(name, memory.bytes());
        this.memory = memory;
        this.device = device;
        this.onClose = onClose;
    }

    @Override
    public long address() {
        return memory.address();
    }

    @Override
    public int deviceType() {
        return LibTorch.CUDA;
    }

    @Override
    public int deviceIndex() {
        return device;
    }

    @Override
    public void close() {
        onClose.accept(this);
        memory.close();
    }
}
