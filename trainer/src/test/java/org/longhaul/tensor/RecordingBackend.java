package org.longhaul.tensor;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.longhaul.ops.Ops;

/**
 * A device that records work as a GPU does: operations, fills and copies that are enqueued while a recording is open are kept, not
 * run, and whatever a GPU forbids then fails. Keeps a trace of all that ran: operation, operands with their addresses, other arguments.
 */
public final class RecordingBackend implements Backend {
    private final Backend target;
    private final Ops ops;
    private final List<String> trace = new ArrayList<>();
    private List<Runnable> open;
    private boolean recordable = true;
    private int launches;
    private int liveGraphs;

    /** Records on top of another device. */
    public RecordingBackend(Backend target) {
        this.target = target;
        this.ops = watch(target.ops());
    }

    /** What ran so far, in order. */
    public List<String> trace() {
        return trace;
    }

    /** How many graphs were launched. */
    public int launches() {
        return launches;
    }

    /** Graphs that were not closed. */
    public int liveGraphs() {
        return liveGraphs;
    }

    /** From now on every recording fails at its end. */
    public void refuse() {
        recordable = false;
    }

    private Ops watch(Ops real) {
        return (Ops) Proxy.newProxyInstance(Ops.class.getClassLoader(), new Class<?>[] {Ops.class}, (proxy, method, arguments) -> {
            if (method.getReturnType() != void.class) {
                Object result = call(real, method, arguments);
                return result instanceof Ops other ? watch(other) : result;
            }
            enqueue(text(method.getName(), arguments), () -> {
                try {
                    call(real, method, arguments);
                } catch (RuntimeException | Error e) {
                    throw e;
                } catch (Throwable e) {
                    throw new IllegalStateException(e);
                }
            });
            return null;
        });
    }

    private static Object call(Ops real, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(real, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private static String text(String name, Object... arguments) {
        StringBuilder s = new StringBuilder(name);
        for (Object a : arguments) {
            s.append(' ').append(a instanceof Tensor t ? t + "@" + t.address() : a);
        }
        return s.toString();
    }

    private void enqueue(String text, Runnable work) {
        Runnable both = () -> {
            trace.add(text);
            work.run();
        };
        if (open != null) {
            open.add(both);
        } else {
            both.run();
        }
    }

    private void forbidden(String what) {
        if (open != null) {
            throw new IllegalStateException(what + " while recording");
        }
    }

    @Override
    public boolean records() {
        return true;
    }

    @Override
    public Recording record(String name) {
        forbidden("record");
        open = new ArrayList<>();
        return new Recording() {
            @Override
            public Graph end() {
                List<Runnable> work = List.copyOf(open);
                open = null;
                if (!recordable) {
                    throw new IllegalStateException("the device refuses to record " + name);
                }
                liveGraphs++;
                return new Recorded(name, work);
            }

            @Override
            public void abandon() {
                open = null;
            }
        };
    }

    private final class Recorded implements Graph {
        private final String name;
        private final List<Runnable> work;
        private boolean closed;

        Recorded(String name, List<Runnable> work) {
            this.name = name;
            this.work = work;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public long nodes() {
            return work.size();
        }

        @Override
        public void launch(Stream stream) {
            forbidden("launch");
            if (closed) {
                throw new IllegalStateException(name + " is closed");
            }
            launches++;
            work.forEach(Runnable::run);
        }

        @Override
        public void close() {
            liveGraphs -= closed ? 0 : 1;
            closed = true;
        }
    }

    @Override
    public String name() {
        return target.name();
    }

    @Override
    public DType computeType() {
        return target.computeType();
    }

    @Override
    public Arena allocate(String name, long bytes) {
        forbidden("allocate");
        return target.allocate(name, bytes);
    }

    @Override
    public Ops ops() {
        return ops;
    }

    @Override
    public Stream computeStream() {
        return target.computeStream();
    }

    @Override
    public Stream newStream(String name) {
        forbidden("newStream");
        return target.newStream(name);
    }

    @Override
    public void upload(Tensor destination, ByteBuffer source) {
        forbidden("upload");
        trace.add(text("upload", destination));
        target.upload(destination, source);
    }

    @Override
    public void download(ByteBuffer destination, Tensor source) {
        forbidden("download");
        target.download(destination, source);
    }

    @Override
    public HostCopier hostCopier() {
        forbidden("hostCopier");
        return target.hostCopier();
    }

    @Override
    public void copy(Tensor destination, Tensor source) {
        enqueue(text("copy", destination, source), () -> target.copy(destination, source));
    }

    @Override
    public void zero(Tensor tensor) {
        enqueue(text("zero", tensor), () -> target.zero(tensor));
    }

    @Override
    public void synchronize() {
        forbidden("synchronize");
        target.synchronize();
    }

    @Override
    public void close() {
        target.close();
    }
}
