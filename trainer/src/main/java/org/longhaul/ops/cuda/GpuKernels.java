package org.longhaul.ops.cuda;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.natives.CudaDevice;
import org.longhaul.natives.CudaKernel;
import org.longhaul.natives.CudaModule;
import org.longhaul.natives.CudaStream;
import org.longhaul.natives.DeviceMemory;
import org.longhaul.natives.KernelCompiler;
import org.longhaul.natives.NativeException;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.DType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Kernels compiled for the GPU of a backend and launched on its compute stream, and their scratch memory. */
final class GpuKernels implements KernelProvider, AutoCloseable {
    /** Enough for the partial sums of every norm up to width 8192 on a GPU of 132 multiprocessors. */
    static final long FIRST_SCRATCH = 16 << 20;

    private static final Logger LOG = LoggerFactory.getLogger(GpuKernels.class);

    private final CudaDevice device;
    private final CudaStream stream;
    private final DType compute;
    private final KernelCompiler compiler;
    private int multiprocessors;
    private final int sharedBytes;
    private final Map<String, CudaModule> modules = new HashMap<>();
    private final List<DeviceMemory> retired = new ArrayList<>();
    private DeviceMemory scratch;

    GpuKernels(CudaBackend backend) {
        device = backend.device();
        stream = backend.computeStream();
        compute = backend.computeType();
        compiler = new KernelCompiler(backend.settings().cache().resolve("kernels"));
        multiprocessors = device.multiprocessors();
        sharedBytes = device.sharedPerBlock();
        scratch = device.allocate(FIRST_SCRATCH);
    }

    @Override
    public Kernel kernel(String source, String entry) {
        return new Launched(modules.computeIfAbsent(source, this::load).kernel(entry), stream);
    }

    private CudaModule load(String source) {
        List<String> options = compute == DType.F32 ? List.of("-DLH_F32") : List.of();
        String name = source + ".cu";
        String text = KernelSources.text(source);
        try {
            return device.load(source, compiler.compile(name, text, options, device.architecture()));
        } catch (NativeException e) {
            LOG.warn("compiled kernels of {} do not load ({}), as damaged ones of the cache do not; compiling them again", name, e.getMessage());
            return device.load(source, compiler.compileAgain(name, text, options, device.architecture()));
        }
    }

    @Override
    public DType computeType() {
        return compute;
    }

    /** Takes grids as for so many multiprocessors, so that blocks of a small check walk many rows; 0 for those there are. */
    void grids(int count) {
        multiprocessors = count > 0 ? count : device.multiprocessors();
    }

    @Override
    public int multiprocessors() {
        return multiprocessors;
    }

    @Override
    public int sharedBytes() {
        return sharedBytes;
    }

    @Override
    public long scratch(long bytes) {
        if (bytes > scratch.bytes()) {
            // A captured graph may still point at the old block, so it stays until the end; blocks grow by doubling.
            retired.add(scratch);
            scratch = device.allocate(grown(bytes, scratch.bytes()));
        }
        return scratch.address();
    }

    /** Scratch held once an operation has asked for this many bytes: what was too small stays. */
    static long plannedScratch(long bytes) {
        return FIRST_SCRATCH + (bytes > FIRST_SCRATCH ? grown(bytes, FIRST_SCRATCH) : 0);
    }

    private static long grown(long bytes, long before) {
        return Arena.align(Math.max(bytes, 2 * before));
    }

    @Override
    public void zero(long address, long bytes) {
        stream.fill(address, 0, bytes);
    }

    @Override
    public void close() {
        retired.forEach(DeviceMemory::close);
        scratch.close();
        modules.values().forEach(CudaModule::close);
    }

    private static final class Launched implements Kernel {
        private final CudaKernel kernel;
        private final CudaStream stream;

        Launched(CudaKernel kernel, CudaStream stream) {
            this.kernel = kernel;
            this.stream = stream;
        }

        @Override
        public Kernel pointer(long address) {
            kernel.pointer(address);
            return this;
        }

        @Override
        public Kernel int32(int value) {
            kernel.int32(value);
            return this;
        }

        @Override
        public Kernel int64(long value) {
            kernel.int64(value);
            return this;
        }

        @Override
        public Kernel float32(float value) {
            kernel.float32(value);
            return this;
        }

        @Override
        public Kernel maxShared(int bytes) {
            kernel.maxDynamicShared(bytes);
            return this;
        }

        @Override
        public void launch(int gridX, int gridY, int blockX, int blockY, int sharedBytes) {
            kernel.launch(stream, gridX, gridY, 1, blockX, blockY, 1, sharedBytes);
        }

        @Override
        public void reset() {
            kernel.reset();
        }
    }
}
