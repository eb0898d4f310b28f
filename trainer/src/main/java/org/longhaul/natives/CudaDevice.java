package org.longhaul.natives;

import com.sun.jna.Function;
import com.sun.jna.Memory;
import org.longhaul.error.UserError;

/**
 * One GPU through the CUDA driver, in the primary context that libtorch and cuBLASLt share. The thread that opens it, and any
 * that calls {@link #makeCurrent}, may use what it hands out.
 */
public final class CudaDevice implements AutoCloseable {
    private final int ordinal;
    private final int handle;
    private final long context;
    private final String name;
    private final long totalMemory;

    private CudaDevice(int ordinal, int handle, long context, String name, long totalMemory) {
        this.ordinal = ordinal;
        this.handle = handle;
        this.context = context;
        this.name = name;
        this.totalMemory = totalMemory;
    }

    /** Number of GPUs this process sees; a UserError (exit 3) names the mend when there is no driver at all. */
    public static int count() {
        initialise();
        try (Memory out = new Memory(8)) {
            CudaApi.check(CudaApi.cuDeviceGetCount(out), "cuDeviceGetCount");
            return out.getInt(0);
        }
    }

    /** The CUDA version the driver speaks, for instance 13000 for 13.0. */
    public static int driverVersion() {
        initialise();
        try (Memory out = new Memory(8)) {
            CudaApi.check(CudaApi.cuDriverGetVersion(out), "cuDriverGetVersion");
            return out.getInt(0);
        }
    }

    private static void initialise() {
        CudaApi.require();
        int status = CudaApi.cuInit(0);
        if (status != CudaApi.SUCCESS) {
            throw CudaFault.ofStart(status);
        }
    }

    /** Opens a GPU and makes it current on the calling thread. */
    public static CudaDevice open(int ordinal) {
        int count = count();
        if (ordinal < 0 || ordinal >= count) {
            throw UserError.environment("GPU " + ordinal + " was asked for but this process sees " + count
                    + " (CUDA_VISIBLE_DEVICES=" + System.getenv("CUDA_VISIBLE_DEVICES") + "); start as many processes on a node as it has GPUs");
        }
        try (Memory out = new Memory(256)) {
            CudaApi.check(CudaApi.cuDeviceGet(out, ordinal), "cuDeviceGet");
            int handle = out.getInt(0);
            CudaApi.check(CudaApi.cuDeviceGetName(out, 256, handle), "cuDeviceGetName");
            String name = out.getString(0);
            CudaApi.check(CudaApi.cuDeviceTotalMem_v2(out, handle), "cuDeviceTotalMem");
            long total = out.getLong(0);
            int status = CudaApi.cuDevicePrimaryCtxRetain(out, handle);
            if (status != CudaApi.SUCCESS) {
                throw CudaFault.ofContext(status, "GPU " + ordinal + " (" + name + ")");
            }
            CudaDevice device = new CudaDevice(ordinal, handle, out.getLong(0), name, total);
            device.makeCurrent();
            return device;
        }
    }

    /** Makes the GPU's context current on the calling thread. */
    public void makeCurrent() {
        CudaApi.check(CudaApi.cuCtxSetCurrent(context), "cuCtxSetCurrent");
    }

    /** Index among the GPUs this process sees. */
    public int ordinal() {
        return ordinal;
    }

    /** The vendor's name. */
    public String name() {
        return name;
    }

    /** The GPU's own number as nvidia-smi prints it, such as GPU-5d1e…; empty where the driver is too old to tell. */
    public String uuid() {
        try (Memory out = new Memory(16)) {
            Function read = CudaApi.library().getFunction("cuDeviceGetUuid_v2");
            if (read.invokeInt(new Object[] {out, handle}) != CudaApi.SUCCESS) {
                return "";
            }
            StringBuilder text = new StringBuilder("GPU-");
            for (int i = 0; i < 16; i++) {
                text.append(i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "").append(String.format("%02x", out.getByte(i)));
            }
            return text.toString();
        } catch (UnsatisfiedLinkError e) {
            return "";
        }
    }

    /** Compute capability, major part. */
    public int major() {
        return attribute(CudaApi.ATTRIBUTE_MAJOR);
    }

    /** Compute capability, minor part. */
    public int minor() {
        return attribute(CudaApi.ATTRIBUTE_MINOR);
    }

    /** NVRTC's name of the real architecture, with its own instructions from Hopper on, for instance {@code sm_90a}. */
    public String architecture() {
        int major = major();
        return "sm_" + major + minor() + (major >= 9 ? "a" : "");
    }

    /** Number of multiprocessors. */
    public int multiprocessors() {
        return attribute(CudaApi.ATTRIBUTE_MULTIPROCESSORS);
    }

    /** Largest shared memory of a block in bytes, after opting in. */
    public int sharedPerBlock() {
        return attribute(CudaApi.ATTRIBUTE_SHARED_PER_BLOCK);
    }

    /** Bytes a second of its memory by clock and bus width, two transfers a clock; 0 where the driver does not say. */
    public double memoryBytesPerSecond() {
        return 2e3 * attributeOrZero(CudaApi.ATTRIBUTE_MEMORY_CLOCK_KHZ) * (attributeOrZero(CudaApi.ATTRIBUTE_MEMORY_BUS_BITS) / 8.0);
    }

    /** Memory of the GPU in bytes. */
    public long totalMemory() {
        return totalMemory;
    }

    /** Memory nobody holds at this moment, in bytes. */
    public long freeMemory() {
        try (Memory out = new Memory(16)) {
            CudaApi.check(CudaApi.cuMemGetInfo_v2(out, out.share(8)), "cuMemGetInfo");
            return out.getLong(0);
        }
    }

    private int attributeOrZero(int attribute) {
        try (Memory out = new Memory(8)) {
            return CudaApi.cuDeviceGetAttribute(out, attribute, handle) == CudaApi.SUCCESS ? out.getInt(0) : 0;
        }
    }

    private int attribute(int attribute) {
        try (Memory out = new Memory(8)) {
            CudaApi.check(CudaApi.cuDeviceGetAttribute(out, attribute, handle), "cuDeviceGetAttribute");
            return out.getInt(0);
        }
    }

    /** A stream that does not wait for the legacy default stream. */
    public CudaStream stream(String streamName) {
        return CudaStream.create(streamName, 0);
    }

    /** A stream whose work is preferred over that of ordinary ones. */
    public CudaStream urgentStream(String streamName) {
        try (Memory out = new Memory(16)) {
            CudaApi.check(CudaApi.cuCtxGetStreamPriorityRange(out, out.share(8)), "cuCtxGetStreamPriorityRange");
            return CudaStream.create(streamName, out.getInt(8));
        }
    }

    /** An event that can order streams and measure time. */
    public CudaEvent event() {
        return CudaEvent.create(true);
    }

    /** An event that can order streams and be asked for; cheaper than one that measures. */
    public CudaEvent marker() {
        return CudaEvent.create(false);
    }

    /** Ends the process without a word to the devices, whose streams may wait for ever. */
    public static void exitProcess(int status) {
        ProcessEnvironment.exit(status);
    }

    /** Lets the end of this virtual machine be the end of the process, with this status: libraries' own ends could wait for a device for ever. */
    public static void exitAtTheEnd(int status) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> exitProcess(status), "exit"));
    }

    /** Uninitialised device memory; UserError (exit 3) when there is not enough. */
    public DeviceMemory allocate(long bytes) {
        return DeviceMemory.allocate(this, bytes);
    }

    /** Page-locked host memory. */
    public PinnedMemory pinned(long bytes) {
        return PinnedMemory.allocate(bytes);
    }

    /** Loads compiled kernels. */
    public CudaModule load(String moduleName, byte[] cubin) {
        return CudaModule.load(moduleName, cubin);
    }

    /** Waits for everything enqueued on the GPU by this process. */
    public void synchronize() {
        CudaApi.check(CudaApi.cuCtxSynchronize(), "cuCtxSynchronize");
    }

    /** Lets an attached profiler record from here on. */
    public void profilerStart() {
        CudaApi.check(CudaApi.cuProfilerStart(), "cuProfilerStart");
    }

    /** Ends what {@link #profilerStart} began. */
    public void profilerStop() {
        CudaApi.check(CudaApi.cuProfilerStop(), "cuProfilerStop");
    }

    @Override
    public void close() {
        CudaApi.check(CudaApi.cuDevicePrimaryCtxRelease_v2(handle), "cuDevicePrimaryCtxRelease");
    }
}
