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
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend.Stream;
import org.longhaul.tensor.DType;
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
    private volatile long operations;
    private long nextSince = System.nanoTime();

    NcclCommunicator(String name, int rank, int size, CudaBackend backend, Nccl nccl, NcclWatch watch) {
        this.name = name;
        this.rank = rank;
        this.size = size;
        this.backend = backend;
        this.nccl = nccl;
        this.watch = watch;
    }

    /** An operation on its way: its number in the group, what it is, since when it could run, and the event behind it. */
    record Mark(long number, String operation, long sinceNanos, CudaEvent event) {}

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
        enqueue("all-reduce", buffer, stream,
                () -> nccl.allReduce(buffer.address(), buffer.address(), buffer.elements(), buffer.dtype(), reduction(op), stream));
    }

    @Override
    public void reduceScatter(Tensor output, Tensor input, ReduceOp op, Stream stream) {
        requireRatio(output, input);
        enqueue("reduce-scatter", input, stream,
                () -> nccl.reduceScatter(input.address(), output.address(), output.elements(), output.dtype(), reduction(op), stream));
    }

    @Override
    public void allGather(Tensor output, Tensor input, Stream stream) {
        requireRatio(input, output);
        enqueue("all-gather", output, stream,
                () -> nccl.allGather(input.address(), output.address(), input.elements(), input.dtype(), stream));
    }

    @Override
    public void broadcast(Tensor buffer, int root, Stream stream) {
        enqueue("broadcast", buffer, stream, () -> nccl.broadcast(buffer.address(), buffer.elements(), buffer.dtype(), root, stream));
    }

    @Override
    public void send(Tensor buffer, int peer, Stream stream) {
        enqueue("send", buffer, stream, () -> nccl.send(buffer.address(), buffer.elements(), buffer.dtype(), peer, stream));
    }

    @Override
    public void receive(Tensor buffer, int peer, Stream stream) {
        enqueue("receive", buffer, stream, () -> nccl.receive(buffer.address(), buffer.elements(), buffer.dtype(), peer, stream));
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
    public boolean recordable() {
        return true;
    }

    @Override
    public void barrier() {
        Tensor token = watch.token();
        allReduce(token, ReduceOp.SUM, backend.computeStream());
        backend.computeStream().synchronize();
        requireSound();
    }

    @Override
    public void close() {
        watch.end(this, nccl::close);
        synchronized (unfinished) {
            unfinished.forEach(mark -> mark.event.close());
            spare.forEach(CudaEvent::close);
            unfinished.clear();
            spare.clear();
        }
    }

    /** Ends the group's work at once; see {@link Nccl#abort} for when the call itself ends. */
    void abort() {
        nccl.abort();
    }

    /** NCCL's own word on what went wrong; empty while all is well. */
    String fault() {
        return nccl.fault();
    }

    /** How many operations have been enqueued. */
    long operations() {
        return operations;
    }

    /** The oldest operation that has not ended, with the time since when it is the oldest; null when all have. */
    Mark oldest() {
        synchronized (unfinished) {
            while (!unfinished.isEmpty() && unfinished.peek().event.passed()) {
                spare.add(unfinished.remove().event);
                // The host may be far ahead: an operation's time begins when it is next.
                nextSince = System.nanoTime();
            }
            Mark mark = unfinished.peek();
            return mark == null || mark.sinceNanos - nextSince > 0 ? mark : new Mark(mark.number, mark.operation, nextSince, mark.event);
        }
    }

    /** A graph that holds so many operations of this group was launched. */
    void launched(String graph, int count, Stream stream) {
        operations += count;
        mark("the last of " + count + " operations of the graph '" + graph + "'", stream);
    }

    /** Makes the connections of each kind of operation now, while nothing else waits on the device: NCCL allocates for them. */
    void connect(boolean link) {
        try (Arena arena = backend.allocate("first operations of " + name, Arena.align(4L * size))) {
            Stream stream = backend.computeStream();
            if (link) {
                Tensor one = arena.tensor("first", 0, DType.F32, 1);
                if (rank == 0) {
                    send(one, 1, stream);
                } else {
                    receive(one, 0, stream);
                }
            } else {
                for (DType type : List.of(DType.F32, DType.BF16)) {
                    Tensor all = arena.tensor("first", 0, type, size);
                    Tensor mine = all.slice(rank, rank + 1);
                    allReduce(all, ReduceOp.SUM, stream);
                    reduceScatter(mine, all, ReduceOp.SUM, stream);
                    allGather(all, mine, stream);
                }
            }
            stream.synchronize();
            requireSound();
        }
    }

    private void enqueue(String operation, Tensor tensor, Stream stream, Runnable call) {
        backend.bind();
        requireSound();
        if (!grouping) {
            ((CudaStream) stream).markWait();
        }
        try {
            call.run();
        } catch (RuntimeException e) {
            // An abort makes calls fail in many ways; what it was about is the cause.
            requireSound();
            throw e;
        }
        if (backend.records(this)) {
            return;
        }
        operations++;
        String words = operation + " of " + tensor;
        if (grouping) {
            grouped.add(() -> mark(words, stream));
        } else {
            ((CudaStream) stream).markWait();
            mark(words, stream);
        }
    }

    private void requireSound() {
        String failure = watch.failure();
        if (failure != null) {
            throw UserError.environment(failure);
        }
    }

    private void mark(String operation, Stream stream) {
        synchronized (unfinished) {
            if (unfinished.size() >= KEPT_MARKS && oldest() != null && unfinished.size() >= KEPT_MARKS) {
                return;
            }
            CudaEvent event = spare.isEmpty() ? backend.device().marker() : spare.remove();
            event.record((CudaStream) stream);
            unfinished.add(new Mark(operations, operation, System.nanoTime(), event));
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
