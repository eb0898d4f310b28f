package org.longhaul.natives;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import org.longhaul.error.UserError;
import org.longhaul.ops.Ops;
import org.longhaul.ops.PortableOps;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.HostLane;
import org.longhaul.tensor.HostStream;
import org.longhaul.tensor.StepMeter;
import org.longhaul.tensor.Tensor;

/** The CPU through DJL's PyTorch engine, computing in F32; memory is DJL arrays, operations are done when a call returns, further streams are threads. */
public final class CpuBackend implements Backend {
    private static final double GIB = 1L << 30;
    private final HostStream compute = new HostStream();
    private final List<HostLane> lanes = new ArrayList<>();
    private final NDManager manager;
    private final Ops ops = new PortableOps();
    private final AtomicLong used = new AtomicLong();

    /** Loads libtorch with as many threads as there are cores. */
    public CpuBackend() {
        this(0);
    }

    /** Loads libtorch; {@code threads} above 0 sets the number for this process, which the last bits of products depend on. */
    public CpuBackend(int threads) {
        LibTorch.load();
        if (threads > 0) {
            JniUtils.setNumThreads(threads);
        }
        manager = Engine.getEngine("PyTorch").newBaseManager(Device.cpu());
    }

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public DType computeType() {
        return DType.F32;
    }

    @Override
    public Arena allocate(String name, long bytes) {
        try {
            return new CpuArena(manager, name, bytes, used);
        } catch (EngineException e) {
            if (String.valueOf(e.getMessage()).contains("allocate memory")) {
                throw UserError.environment(String.format(Locale.ROOT, "this machine has no %.2f GiB of memory left for %s, %.2f GiB are taken by this process: lower "
                        + "batch.micro_batch, or set memory.recompute", bytes / GIB, name, used.get() / GIB), e);
            }
            throw e;
        }
    }

    @Override
    public long usedBytes() {
        return used.get();
    }

    @Override
    public Ops ops() {
        return ops;
    }

    @Override
    public Stream computeStream() {
        return compute;
    }

    @Override
    public StepMeter stepMeter() {
        return StepMeter.host(compute);
    }

    @Override
    public Stream newStream(String name) {
        HostLane lane = new HostLane(name);
        lanes.add(lane);
        return lane;
    }

    @Override
    public void upload(Tensor destination, ByteBuffer source) {
        requireBytes(destination, source.remaining());
        hostView(destination).put(0, source, source.position(), source.remaining());
    }

    @Override
    public void download(ByteBuffer destination, Tensor source) {
        requireBytes(source, destination.remaining());
        destination.put(destination.position(), hostView(source), 0, destination.remaining());
    }

    @Override
    public void copy(Tensor destination, Tensor source) {
        requireBytes(destination, source.bytes());
        long bytes = source.bytes();
        for (long done = 0; done < bytes; done += Integer.MAX_VALUE) {
            int n = (int) Math.min(Integer.MAX_VALUE, bytes - done);
            new Pointer(destination.address() + done).getByteBuffer(0, n)
                    .put(0, new Pointer(source.address() + done).getByteBuffer(0, n), 0, n);
        }
    }

    @Override
    public void zero(Tensor tensor) {
        new Pointer(tensor.address()).setMemory(0, tensor.bytes(), (byte) 0);
    }

    @Override
    public void synchronize() {
        lanes.forEach(HostLane::synchronize);
    }

    @Override
    public void close() {
        lanes.forEach(HostLane::close);
        manager.close();
    }

    private static ByteBuffer hostView(Tensor tensor) {
        return new Pointer(tensor.address()).getByteBuffer(0, tensor.bytes());
    }

    private static void requireBytes(Tensor tensor, long bytes) {
        if (tensor.bytes() != bytes) {
            throw new IllegalArgumentException(tensor + " has " + tensor.bytes() + " bytes, the other side " + bytes);
        }
    }

    private static final class CpuArena extends EngineArena {
        private final NDArray memory;
        private final long address;
        private final AtomicLong used;
        private boolean open = true;

        CpuArena(NDManager manager, String name, long bytes, AtomicLong used) {
            super(name, bytes);
            this.used = used;
            used.addAndGet(bytes);
            // libtorch aligns to 64 bytes; a little more lets the arena start at its own alignment.
            memory = manager.zeros(new Shape((bytes + ALIGNMENT) / 4 + 1), DataType.FLOAT32);
            LibTorch.check(
                    LibTorch.aoti_torch_get_data_ptr(Scope.handle(memory), Pointer.nativeValue(LibTorch.out())),
                    "address of " + name);
            address = align(LibTorch.out().getLong(0));
        }

        @Override
        public long address() {
            return address;
        }

        @Override
        public int deviceType() {
            return LibTorch.CPU;
        }

        @Override
        public int deviceIndex() {
            return 0;
        }

        @Override
        public void close() {
            if (open) {
                open = false;
                used.addAndGet(-bytes());
            }
            memory.close();
        }
    }
}
