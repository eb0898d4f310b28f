package org.longhaul.natives;

import com.sun.jna.Memory;

/** Compiled kernels loaded on the current GPU. */
public final class CudaModule implements AutoCloseable {
    private final String name;
    private final long handle;

    private CudaModule(String name, long handle) {
        this.name = name;
        this.handle = handle;
    }

    static CudaModule load(String name, byte[] cubin) {
        try (Memory image = new Memory(cubin.length); Memory out = new Memory(8)) {
            image.write(0, cubin, 0, cubin.length);
            CudaApi.check(CudaApi.cuModuleLoadData(out, image), "cuModuleLoadData of " + name);
            return new CudaModule(name, out.getLong(0));
        }
    }

    /** A kernel by its {@code extern "C"} name; each call gives an object with its own arguments. */
    public CudaKernel kernel(String kernelName) {
        try (Memory out = new Memory(8)) {
            CudaApi.check(CudaApi.cuModuleGetFunction(out, handle, kernelName), "cuModuleGetFunction of " + kernelName + " in " + name);
            return new CudaKernel(kernelName, out.getLong(0));
        }
    }

    @Override
    public void close() {
        CudaApi.check(CudaApi.cuModuleUnload(handle), "cuModuleUnload of " + name);
    }
}
