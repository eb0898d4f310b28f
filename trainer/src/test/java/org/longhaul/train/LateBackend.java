package org.longhaul.train;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import org.longhaul.natives.CpuBackend;
import org.longhaul.ops.Ops;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/**
 * The CPU with one stream whose work is done as late as possible, when the compute stream waits for it: a wait that is missing, or a
 * buffer that is written too early, changes results every time and not by chance.
 */
final class LateBackend implements Backend {
    private final CpuBackend cpu = new CpuBackend();
    private final String late;
    private final Stream compute = new Stream() {
        @Override
        public long handle() {
            return 0;
        }

        @Override
        public void waitFor(Stream other) {
            if (other instanceof LateStream s) {
                s.synchronize();
            } else {
                cpu.computeStream().waitFor(other);
            }
        }

        @Override
        public void waitFor(Mark mark) {
            cpu.computeStream().waitFor(mark);
        }

        @Override
        public void synchronize() {}
    };
    private int lateWork;

    /** {@code late} names the stream. */
    LateBackend(String late) {
        this.late = late;
    }

    /** How often something was done late. */
    int lateWork() {
        return lateWork;
    }

    @Override
    public String name() {
        return "late cpu";
    }

    @Override
    public DType computeType() {
        return cpu.computeType();
    }

    @Override
    public Arena allocate(String name, long bytes) {
        return cpu.allocate(name, bytes);
    }

    @Override
    public Ops ops() {
        return cpu.ops();
    }

    @Override
    public Stream computeStream() {
        return compute;
    }

    @Override
    public Stream newStream(String name) {
        return name.equals(late) ? new LateStream() : cpu.newStream(name);
    }

    @Override
    public void upload(Tensor destination, ByteBuffer source) {
        cpu.upload(destination, source);
    }

    @Override
    public void download(ByteBuffer destination, Tensor source) {
        cpu.download(destination, source);
    }

    @Override
    public void copy(Tensor destination, Tensor source) {
        cpu.copy(destination, source);
    }

    @Override
    public void zero(Tensor tensor) {
        cpu.zero(tensor);
    }

    @Override
    public void synchronize() {
        cpu.synchronize();
    }

    @Override
    public void close() {
        cpu.close();
    }

    private final class LateStream implements Stream {
        private final Deque<Runnable> queue = new ArrayDeque<>();

        @Override
        public long handle() {
            return 0;
        }

        @Override
        public void waitFor(Stream other) {}

        @Override
        public void run(Runnable work) {
            queue.add(work);
        }

        @Override
        public void synchronize() {
            while (!queue.isEmpty()) {
                queue.remove().run();
                lateWork++;
            }
        }
    }
}
