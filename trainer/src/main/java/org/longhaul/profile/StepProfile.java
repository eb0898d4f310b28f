package org.longhaul.profile;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.natives.Nvtx;
import org.longhaul.ops.Ops;
import org.longhaul.parallel.Communicator;
import org.longhaul.profile.StepTimes.Range;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Backend.Stream;

/**
 * Times the phases, operations and collectives of training steps on one rank while it is switched on, and marks the phases for
 * Nsight. Used by the thread that trains.
 */
public final class StepProfile implements Phases {
    private final Backend backend;
    private final Ops ops;
    private final OpsProfile operations = new OpsProfile();
    private final Optional<Nvtx> nvtx;
    private final Deque<Open> open = new ArrayDeque<>();
    private final List<Closed> closed = new ArrayList<>();
    private final List<Message> messages = new ArrayList<>();
    private final List<Stream> streams = new ArrayList<>();
    private Marks marks;
    private long startNanos;

    private record Open(String name, long nanos, int mark) {}

    private record Closed(String name, int depth, long startNanos, long endNanos, int start, int end) {}

    private record Message(String name, double bytes, int stream, int start, int end) {}

    /** For a device; nothing is timed yet. */
    public StepProfile(Backend backend, Optional<Nvtx> nvtx) {
        this.backend = backend;
        this.ops = operations.watch(backend.ops());
        this.nvtx = nvtx;
    }

    /** The device, its operations timed while the profile is on. */
    public Backend watched() {
        return (Backend) Proxy.newProxyInstance(Backend.class.getClassLoader(), new Class<?>[] {Backend.class}, (proxy, method, arguments) -> {
            if (method.getName().equals("ops")) {
                return ops;
            }
            try {
                return method.invoke(backend, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }

    /** The group, its operations timed while the profile is on. */
    public Communicator watch(Communicator group) {
        return new TracedCommunicator(group, this);
    }

    /** Starts timing; waits for the device, so that its clock and the host's have a moment in common. */
    public void begin() {
        backend.synchronize();
        if (backend instanceof CudaBackend gpu) {
            gpu.device().profilerStart();
        }
        streams.clear();
        streams.add(backend.computeStream());
        marks = Marks.of(backend);
        startNanos = System.nanoTime();
        operations.on(marks, backend.computeStream());
    }

    @Override
    public boolean on() {
        return marks != null;
    }

    @Override
    public void open(String name) {
        if (marks != null) {
            nvtx.ifPresent(n -> n.push(name));
            open.push(new Open(name, System.nanoTime(), marks.mark(backend.computeStream())));
        }
    }

    @Override
    public void close() {
        if (marks != null) {
            Open o = open.pop();
            closed.add(new Closed(
                    o.name, open.size(), o.nanos, System.nanoTime(), o.mark, marks.mark(backend.computeStream())));
            nvtx.ifPresent(Nvtx::pop);
        }
    }

    void communication(String name, double bytes, Stream stream, Runnable work) {
        nvtx.ifPresent(n -> n.push(name));
        int start = marks.mark(stream);
        work.run();
        int index = streams.indexOf(stream);
        if (index < 0) {
            index = streams.size();
            streams.add(stream);
        }
        messages.add(new Message(name, bytes, index, start, marks.mark(stream)));
        nvtx.ifPresent(Nvtx::pop);
    }

    /** Ends timing, waits for the device and answers what happened. */
    public StepTimes end() {
        int last = marks.mark(backend.computeStream());
        double[] t = marks.milliseconds();
        if (backend instanceof CudaBackend gpu) {
            gpu.device().profilerStop();
        }
        List<Range> device = new ArrayList<>();
        List<Range> host = new ArrayList<>();
        for (Closed c : closed) {
            device.add(new Range(c.name, c.depth, t[c.start], t[c.end]));
            host.add(new Range(c.name, c.depth, (c.startNanos - startNanos) / 1e6, (c.endNanos - startNanos) / 1e6));
        }
        List<StepTimes.Transfer> transfers = new ArrayList<>();
        for (Message m : messages) {
            transfers.add(new StepTimes.Transfer(m.name, m.stream, t[m.start], t[m.end], m.bytes));
        }
        List<OpsProfile.Span> spans = operations.spans(t);
        StepTimes times = new StepTimes(
                Thread.currentThread().getName(), t[last], host, device, spans, transfers,
                streams.stream().map(s -> s.toString()).toList());
        operations.close();
        open.clear();
        closed.clear();
        messages.clear();
        marks = null;
        return times;
    }

}
