package org.longhaul.tensor;

import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import org.longhaul.ops.Ops;

/** A device that does nothing at once and allocates nothing, so that what its caller does can be measured. */
public final class IdleBackend implements Backend {
    private static final Stream STREAM = new Stream() {
        @Override
        public long handle() {
            return 0;
        }

        @Override
        public void waitFor(Stream other) {}

        @Override
        public void synchronize() {}
    };

    private final Ops ops = (Ops) Proxy.newProxyInstance(Ops.class.getClassLoader(), new Class<?>[] {Ops.class},
            (proxy, method, arguments) -> method.getReturnType() == java.util.Optional.class ? java.util.Optional.empty() : null);
    private long next = 1 << 20;
    private int recorded;

    /** How many graphs were recorded. */
    public int recorded() {
        return recorded;
    }

    @Override
    public String name() {
        return "idle";
    }

    @Override
    public DType computeType() {
        return DType.BF16;
    }

    @Override
    public Arena allocate(String name, long bytes) {
        long address = next;
        next += Arena.align(bytes);
        return new Arena(name, bytes) {
            @Override
            public long address() {
                return address;
            }

            @Override
            public void close() {}
        };
    }

    @Override
    public Ops ops() {
        return ops;
    }

    @Override
    public Stream computeStream() {
        return STREAM;
    }

    @Override
    public Stream newStream(String name) {
        return STREAM;
    }

    @Override
    public void upload(Tensor destination, ByteBuffer source) {}

    @Override
    public void download(ByteBuffer destination, Tensor source) {}

    @Override
    public void copy(Tensor destination, Tensor source) {}

    @Override
    public void zero(Tensor tensor) {}

    @Override
    public void synchronize() {}

    @Override
    public boolean records() {
        return true;
    }

    @Override
    public Recording record(String name) {
        recorded++;
        return new Recording() {
            @Override
            public Graph end() {
                return new Graph() {
                    @Override
                    public String name() {
                        return name;
                    }

                    @Override
                    public long nodes() {
                        return 1;
                    }

                    @Override
                    public void launch(Stream stream) {}

                    @Override
                    public void close() {}
                };
            }

            @Override
            public void abandon() {}
        };
    }

    @Override
    public void close() {}
}
