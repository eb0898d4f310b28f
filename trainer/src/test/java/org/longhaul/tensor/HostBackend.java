package org.longhaul.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.longhaul.ops.Ops;

/** A device of plain direct buffers without operations, for tests of what only moves bytes. */
public final class HostBackend implements Backend {
    private static long nextAddress = 1 << 20;

    private final Map<Arena, ByteBuffer> memory = new ConcurrentHashMap<>();
    private final HostStream stream = new HostStream();
    private final List<HostLane> lanes = new CopyOnWriteArrayList<>();

    @Override
    public String name() {
        return "host";
    }

    @Override
    public DType computeType() {
        return DType.F32;
    }

    @Override
    public Arena allocate(String name, long bytes) {
        long address;
        synchronized (HostBackend.class) {
            address = nextAddress;
            nextAddress += Arena.align(bytes) + Arena.ALIGNMENT;
        }
        Arena arena = new Arena(name, bytes) {
            @Override
            public long address() {
                return address;
            }

            @Override
            public void close() {
                memory.remove(this);
            }
        };
        memory.put(arena, ByteBuffer.allocateDirect(Math.toIntExact(bytes)).order(ByteOrder.nativeOrder()));
        return arena;
    }

    @Override
    public Ops ops() {
        throw new IllegalStateException("this backend only moves bytes");
    }

    @Override
    public Stream computeStream() {
        return stream;
    }

    @Override
    public Stream newStream(String name) {
        HostLane lane = new HostLane(name);
        lanes.add(lane);
        return lane;
    }

    @Override
    public void upload(Tensor destination, ByteBuffer source) {
        bytes(destination).put(source.duplicate());
    }

    @Override
    public void download(ByteBuffer destination, Tensor source) {
        destination.duplicate().put(bytes(source));
    }

    @Override
    public void copy(Tensor destination, Tensor source) {
        bytes(destination).put(bytes(source));
    }

    @Override
    public void zero(Tensor tensor) {
        ByteBuffer b = bytes(tensor);
        while (b.hasRemaining()) {
            b.put((byte) 0);
        }
    }

    @Override
    public void synchronize() {
        lanes.forEach(HostLane::synchronize);
    }

    @Override
    public void close() {
        lanes.forEach(HostLane::close);
        memory.clear();
    }

    /** The tensor's memory. */
    public ByteBuffer bytes(Tensor tensor) {
        return memory.get(tensor.arena()).slice(Math.toIntExact(tensor.offset()), Math.toIntExact(tensor.bytes()))
                .order(ByteOrder.nativeOrder());
    }
}
