package org.longhaul.cuda;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.longhaul.error.UserError;
import org.longhaul.natives.CudaCheck;
import org.longhaul.natives.CudaDevice;
import org.longhaul.natives.CudaGraph;
import org.longhaul.natives.CudaStepMeter;
import org.longhaul.natives.CudaStream;
import org.longhaul.natives.LibTorchStream;
import org.longhaul.ops.Ops;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.HostCopier;
import org.longhaul.tensor.OutOfDeviceMemory;
import org.longhaul.tensor.StepMeter;
import org.longhaul.tensor.Tensor;

/**
 * One GPU. Arenas come from the driver; one compute stream carries kernels, matrix products and libtorch's operations alike.
 * Any thread may use it, one at a time: the first call of another thread makes the GPU and the stream current there.
 */
public final class CudaBackend implements Backend {
    private static final double GIB = 1L << 30;
    private static final int STAGING_PIECE = 8 << 20;

    private final CudaSettings settings;
    private final CudaDevice device;
    private final long freeAtFirst;
    private final CudaStream compute;
    private final Staging staging;
    private final List<CudaStream> streams = new ArrayList<>();
    private final List<CudaArena> arenas = new ArrayList<>();
    private Map<NcclCommunicator, Integer> recorded;
    private Thread bound;
    private boolean hasRecorded;
    private final Function<CudaBackend, ? extends Ops> operations;
    private Ops ops;

    /**
     * Opens the GPU; UserError (exit 3) says what is missing.
     *
     * @param operations makes the operations when they are first asked for; closed with the backend if closeable
     */
    public CudaBackend(CudaSettings settings, Function<CudaBackend, ? extends Ops> operations) {
        this.settings = settings;
        this.operations = operations;
        this.device = CudaDevice.open(settings.device());
        CudaCheck.requireDriver();
        this.freeAtFirst = device.freeMemory();
        this.compute = device.stream("compute");
        this.staging = new Staging(device, STAGING_PIECE);
        bind();
    }

    /** Makes the GPU and its compute stream current on the calling thread, for the driver and for libtorch. */
    public void bind() {
        if (bound != Thread.currentThread()) {
            device.makeCurrent();
            LibTorchStream.use(compute, settings.device());
            bound = Thread.currentThread();
        }
    }

    @Override
    public String name() {
        return "cuda:" + settings.device();
    }

    @Override
    public DType computeType() {
        return settings.computeType();
    }

    /** How the GPU is used. */
    public CudaSettings settings() {
        return settings;
    }

    /** The GPU itself. */
    public CudaDevice device() {
        return device;
    }

    @Override
    public Arena allocate(String name, long bytes) {
        bind();
        CudaArena arena;
        try {
            arena = new CudaArena(name, device.allocate(bytes), settings.device(), this::forget);
        } catch (UserError e) {
            if (!OutOfDeviceMemory.isBehind(e)) {
                throw e;
            }
            throw UserError.environment("no room for " + name + ": " + e.getMessage() + "; held so far: " + held(), e);
        }
        compute.fill(arena.address(), 0, bytes);
        synchronized (arenas) {
            arenas.add(arena);
        }
        return arena;
    }

    private void forget(CudaArena arena) {
        synchronized (arenas) {
            arenas.remove(arena);
        }
        // Work that still uses the memory must be over before the driver takes it back.
        bind();
        device.synchronize();
    }

    /** What the driver has given away since, the context aside; other processes on the GPU blur it, and beside other ranks nothing can be said. */
    @Override
    public long usedBytes() {
        bind();
        return settings.shared() ? -1 : freeAtFirst - device.freeMemory();
    }

    /** Bytes of all arenas. */
    public long heldBytes() {
        synchronized (arenas) {
            return arenas.stream().mapToLong(CudaArena::bytes).sum();
        }
    }

    @Override
    public String held() {
        synchronized (arenas) {
            return arenas.isEmpty()
                    ? "nothing"
                    : arenas.stream()
                            .sorted((a, b) -> Long.compare(b.bytes(), a.bytes()))
                            .map(a -> String.format(Locale.ROOT, "%s %.2f GiB", a.name(), a.bytes() / GIB))
                            .collect(Collectors.joining(", "));
        }
    }

    @Override
    public Ops ops() {
        bind();
        if (ops == null) {
            ops = operations.apply(this);
        }
        return ops;
    }

    @Override
    public CudaStream computeStream() {
        return compute;
    }

    @Override
    public StepMeter stepMeter() {
        bind();
        return new CudaStepMeter(compute);
    }

    @Override
    public String hardware() {
        return (device.name() + " " + device.uuid()).strip();
    }

    @Override
    public CudaStream newStream(String name) {
        bind();
        CudaStream stream = device.stream(name);
        streams.add(stream);
        return stream;
    }

    @Override
    public CudaStream newCommunicationStream(String name) {
        bind();
        CudaStream stream = device.urgentStream(name);
        streams.add(stream);
        return stream;
    }

    @Override
    public void upload(Tensor destination, ByteBuffer source) {
        requireBytes(destination, source.remaining());
        bind();
        staging.upload(compute, destination.address(), source);
    }

    @Override
    public void download(ByteBuffer destination, Tensor source) {
        requireBytes(source, destination.remaining());
        bind();
        staging.download(compute, destination, source.address());
    }

    @Override
    public HostCopier hostCopier() {
        return new CudaHostCopier(this);
    }

    @Override
    public void copy(Tensor destination, Tensor source) {
        requireBytes(destination, source.bytes());
        bind();
        compute.copyDevice(destination.address(), source.address(), source.bytes());
    }

    @Override
    public void zero(Tensor tensor) {
        bind();
        compute.fill(tensor.address(), 0, tensor.bytes());
    }

    @Override
    public void synchronize() {
        bind();
        device.synchronize();
    }

    @Override
    public boolean records() {
        return true;
    }

    @Override
    public boolean hasRecorded() {
        return hasRecorded;
    }

    /** Kernels are loaded and products tuned by the run that came before. Waits for the GPU first. */
    @Override
    public Recording record(String name) {
        synchronize();
        Recording recording = compute.record(name);
        hasRecorded = true;
        Map<NcclCommunicator, Integer> inside = new LinkedHashMap<>();
        recorded = inside;
        return new Recording() {
            @Override
            public CudaGraph end() {
                recorded = null;
                CudaGraph graph = (CudaGraph) recording.end();
                if (!inside.isEmpty()) {
                    graph.afterLaunch(stream -> inside.forEach((group, operations) -> group.launched(name, operations, stream)));
                }
                return graph;
            }

            @Override
            public void abandon() {
                recorded = null;
                recording.abandon();
            }
        };
    }

    /** Whether work is being recorded: then an operation of the group is counted in, to be told to it at every launch. */
    boolean records(NcclCommunicator group) {
        if (recorded != null) {
            recorded.merge(group, 1, Integer::sum);
        }
        return recorded != null;
    }

    @Override
    public CudaGraph capture(String name, Runnable work) {
        return (CudaGraph) Backend.super.capture(name, work);
    }

    @Override
    public void close() {
        bind();
        device.synchronize();
        if (ops instanceof Closeable closeable) {
            try {
                closeable.close();
            } catch (IOException e) {
                throw new UncheckedIOException("operations of " + name(), e);
            }
        }
        staging.close();
        for (CudaArena arena : List.copyOf(arenas)) {
            arena.close();
        }
        streams.forEach(CudaStream::close);
        LibTorchStream.release(settings.device());
        compute.close();
        device.close();
    }

    private static void requireBytes(Tensor tensor, long bytes) {
        if (tensor.bytes() != bytes) {
            throw new IllegalArgumentException(tensor + " has " + tensor.bytes() + " bytes, the other side " + bytes);
        }
    }
}
