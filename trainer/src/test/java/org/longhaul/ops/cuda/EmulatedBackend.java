package org.longhaul.ops.cuda;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import org.longhaul.ops.Ops;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/** A device in host memory whose kernels run in {@link KernelEmulator}; matrix products and attention are {@link NaiveProducts}. */
final class EmulatedBackend implements Backend {
    private final KernelEmulator emulator;
    private final Ops ops;

    EmulatedBackend(KernelEmulator emulator) {
        this.emulator = emulator;
        this.ops = new NaiveProducts(this, emulator);
    }

    @Override
    public String name() {
        return "emulated";
    }

    @Override
    public DType computeType() {
        return emulator.computeType();
    }

    @Override
    public Arena allocate(String name, long bytes) {
        return new HostArena(name, bytes);
    }

    @Override
    public Ops ops() {
        return ops;
    }

    @Override
    public Stream computeStream() {
        return newStream("compute");
    }

    @Override
    public Stream newStream(String name) {
        return new Stream() {
            @Override
            public long handle() {
                return 0;
            }

            @Override
            public void waitFor(Stream other) {}

            @Override
            public void synchronize() {}
        };
    }

    @Override
    public void upload(Tensor destination, ByteBuffer source) {
        requireBytes(destination, source);
        new Pointer(destination.address()).getByteBuffer(0, destination.bytes()).put(source);
    }

    @Override
    public void download(ByteBuffer destination, Tensor source) {
        requireBytes(source, destination);
        destination.put(new Pointer(source.address()).getByteBuffer(0, source.bytes()));
    }

    private static void requireBytes(Tensor tensor, ByteBuffer buffer) {
        if (buffer.remaining() != tensor.bytes()) {
            throw new IllegalArgumentException(tensor + " has " + tensor.bytes() + " bytes, the other side " + buffer.remaining());
        }
    }

    @Override
    public void copy(Tensor destination, Tensor source) {
        download(new Pointer(destination.address()).getByteBuffer(0, destination.bytes()), source);
    }

    @Override
    public void zero(Tensor tensor) {
        emulator.zero(tensor.address(), tensor.bytes());
    }

    @Override
    public void synchronize() {}

    @Override
    public void close() {}

    private static final class HostArena extends Arena {
        private final Memory memory;

        HostArena(String name, long bytes) {
            super(name, bytes);
            memory = new Memory(bytes + ALIGNMENT);
            memory.clear();
        }

        @Override
        public long address() {
            return align(Pointer.nativeValue(memory));
        }

        @Override
        public void close() {
            memory.close();
        }
    }
}
