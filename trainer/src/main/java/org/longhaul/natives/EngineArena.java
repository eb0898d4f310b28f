package org.longhaul.natives;

import org.longhaul.tensor.Arena;

/** Device memory that libtorch can look at: an arena that knows which of libtorch's devices it lies on. */
public abstract class EngineArena extends Arena {
    /** Called by a backend. */
    protected EngineArena(String name, long bytes) {
        super(name, bytes);
    }

    /** {@link LibTorch#CPU} or {@link LibTorch#CUDA}. */
    public abstract int deviceType();

    /** Index among the devices of the type, 0 on the CPU. */
    public abstract int deviceIndex();
}
