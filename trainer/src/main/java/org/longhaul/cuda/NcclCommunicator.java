package org.longhaul.cuda;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.longhaul.error.UserError;
import org.longhaul.natives.CudaEvent;
import org.longhaul.natives.CudaStream;
import org.longhaul.natives.Nccl;
import org.longhaul.parallel.Communicator;
import org.longhaul.parallel.ReduceOp;
import org.longhaul.tensor.Backend.Stream;
import org.longhaul.tensor.Tensor;

/**
 * Collectives among GPUs through NCCL. Every operation leaves a mark behind it, so that {@link NcclWatch} can tell which one
 * does not end.
 */
final class NcclCommunicator implements Communicator {
    private static final int KEPT_MARKS = 256;

    private final String name;
    private final int rank;
    private final int size;
    private final CudaBackend backend;
    private final Nccl nccl;
    private final NcclWatch watch;
    private final Deque<Mark> unfinished = new ArrayDeque<>();
    private final Deque<CudaEvent> spare = new ArrayDeque<>();
    private final List<Runnable> grouped = new ArrayList<>();
    private boolean grouping;
    private long operations;

    NcclCommunicator(String name, int rank, int size, CudaBackend backend, Nccl nccl, NcclWatch watch) {
        this.name = name;
        this.rank = rank;
        this.size = size;
        this.backend = backend;
        this.nccl = nccl;
        this.watch = watch;
    }

    /** An operation on its way: its number in the group, what it is, when it was enqueued, and the event behind it. */
    record Mark(long number, String operation, long enqueuedNanos, CudaEvent event) {}

    @Override
    public String name() {
        return name;
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public void allReduce(Tensor buffer, ReduceOp op, Stream stream) {
        before(stream);
        nccl.allReduce(buffer.address(), buffer.address(), buffer.elements(), buffer.dtype(), reduction(op), stream);
        after("all-reduce", buffer, stream);
    }

    @Override
    public void reduceScatter(Tensor output, Tensor input, ReduceOp op, Stream stream) {
        before(stream);
        requireRatio(output, input);
        nccl.reduceScatter(input.address(), output.address(), output.elements(), output.dtype(), reduction(op), stream);
        after("reduce-scatter", input, stream);
    }

    @Override
    public void allGather(Tensor output, Tensor input, Stream stream) {
        before(stream);
        requireRatio(input, output);
        nccl.allGather(input.address(), output.address(), input.elements(), input.dtype(), stream);
        after("all-gather", output, stream);
    }

    @Override
    public void broadcast(Tensor buffer, int root, Stream stream) {
        before(stream);
        nccl.broadcast(buffer.address(), buffer.elements(), buffer.dtype(), root, stream);
        after("broadcast", buffer, stream);
    }

    @Override
    public void send(Tensor buffer, int peer, Stream stream) {
        before(stream);
        nccl.send(buffer.address(), buffer.elements(), buffer.dtype(), peer, stream);
        after("send", buffer, stream);
    }

    @Override
    public void receive(Tensor buffer, int peer, Stream stream) {
        before(stream);
        nccl.receive(buffer.address(), buffer.elements(), buffer.dtype(), peer, stream);
        after("receive", buffer, stream);
    }

    @Override
    public void groupStart() {
        grouping = true;
        Nccl.groupStart();
    }

    @Override
    public void groupEnd() {
        grouping = false;
        Nccl.groupEnd();
        // Only now is anything enqueued that a mark could stand behind.
        grouped.forEach(Runnable::run);
        grouped.clear();
    }

    @Override
    public void barrier() {
        Tensor token = watch.token();
        allReduce(token, ReduceOp.SUM, backend.computeStream());
        backend.computeStream().synchronize();
        before();
    }

    @Override
    public void close() {
        watch.remove(this);
        synchronized (unfinished) {
            unfinished.forEach(mark -> mark.event.close());
            spare.forEach(CudaEvent::close);
            unfinished.clear();
            spare.clear();
        }
        nccl.close();
    }

    /** Ends the group's work at once. */
    void abort() {
        nccl.abort();
    }

    /** NCCL's own word on what went wrong; empty while all is well. */
    String fault() {
        return nccl.fault();
    }

    /** The oldest operation that has not ended; null when all have. */
    Mark oldest() {
        synchronized (unfinished) {
            while (!unfinished.isEmpty() && unfinished.peek().event.passed()) {
                spare.add(unfinished.remove().event);
            }
            return unfinished.peek();
        }
    }

    private void before(Stream stream) {
        before();
        if (!grouping) {
            ((CudaStream) stream).markWait();
        }
    }

    private void before() {
        backend.bind();
        String failure = watch.failure();
        if (failure != null) {
            throw UserError.environment(failure);
        }
    }

    private void after(String operation, Tensor tensor, Stream stream) {
        if (grouping) {
            grouped.add(() -> mark(operation, tensor, stream));
        } else {
            ((CudaStream) stream).markWait();
            mark(operation, tensor, stream);
        }
    }

    private void mark(String operation, Tensor tensor, Stream stream) {
        long number = ++operations;
        synchronized (unfinished) {
            if (unfinished.size() >= KEPT_MARKS && oldest() != null && unfinished.size() >= KEPT_MARKS) {
                return;
            }
            CudaEvent event = spare.isEmpty() ? backend.device().event() : spare.remove();
            event.record((CudaStream) stream);
            unfinished.add(new Mark(number, operation + " of " + tensor, System.nanoTime(), event));
        }
    }

    private void requireRatio(Tensor small, Tensor large) {
        if (small.dtype() != large.dtype() || small.elements() * size != large.elements()) {
            throw new IllegalArgumentException(name + ": " + large + " must have " + size + " times the elements of " + small);
        }
    }

    private static Nccl.Reduction reduction(ReduceOp op) {
        return switch (op) {
            case SUM -> Nccl.Reduction.SUM;
            case MAX -> Nccl.Reduction.MAX;
        };
    }
}
