package org.longhaul.parallel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Backend.Stream;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/**
 * Collectives through host memory: the bytes of every rank are brought together and combined in rank order, in F32, so that
 * the result is the same on every rank and in every run. For ranks on CPUs, and for layouts tried out in one process.
 */
public final class HostCommunicator implements Communicator {
    private final Exchange exchange;
    private final Backend backend;
    private final List<Runnable> pending = new ArrayList<>();
    private Stream last;
    private boolean grouping;
    private ByteBuffer mine = buffer(0);
    private ByteBuffer result = buffer(0);

    HostCommunicator(Exchange exchange, Backend backend) {
        this.exchange = exchange;
        this.backend = backend;
    }

    /** A group of ranks that are threads of this process; element r is for rank r, used with its backend. */
    public static List<Communicator> inProcess(String name, List<? extends Backend> backends, Duration timeout) {
        List<Communicator> group = new ArrayList<>();
        List<Exchange> ends = InProcessExchange.group(name, backends.size(), timeout);
        for (int r = 0; r < ends.size(); r++) {
            group.add(new HostCommunicator(ends.get(r), backends.get(r)));
        }
        return List.copyOf(group);
    }

    @Override
    public String name() {
        return exchange.name();
    }

    @Override
    public int rank() {
        return exchange.rank();
    }

    @Override
    public int size() {
        return exchange.size();
    }

    /** Makes this and all other ranks' pending and further calls fail with the cause. */
    public void abort(String cause) {
        exchange.abort(cause);
    }

    @Override
    public void allReduce(Tensor buffer, ReduceOp op, Stream stream) {
        run(stream, () -> {
            ByteBuffer[] all = gather("all-reduce " + op + " " + describe(buffer), buffer);
            result = reserve(result, buffer.bytes());
            combine(all, 0, buffer.elements(), buffer.dtype(), op);
            exchange.release();
            backend.upload(buffer, result);
        });
    }

    @Override
    public void reduceScatter(Tensor output, Tensor input, ReduceOp op, Stream stream) {
        requireRatio(output, input);
        run(stream, () -> {
            ByteBuffer[] all = gather("reduce-scatter " + op + " " + describe(input), input);
            result = reserve(result, output.bytes());
            combine(all, rank() * output.elements(), output.elements(), output.dtype(), op);
            exchange.release();
            backend.upload(output, result);
        });
    }

    @Override
    public void allGather(Tensor output, Tensor input, Stream stream) {
        requireRatio(input, output);
        run(stream, () -> {
            ByteBuffer[] all = gather("all-gather " + describe(input), input);
            result = reserve(result, output.bytes());
            for (ByteBuffer part : all) {
                result.put(part);
            }
            result.flip();
            exchange.release();
            backend.upload(output, result);
        });
    }

    @Override
    public void broadcast(Tensor buffer, int root, Stream stream) {
        run(stream, () -> {
            // Only the root's bytes travel.
            ByteBuffer own = rank() == root ? fetch(buffer) : buffer(0);
            ByteBuffer[] all = exchange.gather("broadcast from " + root + " " + describe(buffer), own);
            result = reserve(result, buffer.bytes());
            result.put(all[root]).flip();
            exchange.release();
            if (rank() != root) {
                backend.upload(buffer, result);
            }
        });
    }

    @Override
    public void send(Tensor buffer, int peer, Stream stream) {
        run(stream, () -> exchange.send(peer, fetch(buffer)));
    }

    @Override
    public void receive(Tensor buffer, int peer, Stream stream) {
        Runnable work = () -> {
            result = reserve(result, buffer.bytes());
            result.limit(Math.toIntExact(buffer.bytes()));
            exchange.receive(peer, result);
            result.flip();
            backend.upload(buffer, result);
        };
        if (grouping) {
            pending.add(() -> run(stream, work));
        } else {
            run(stream, work);
        }
    }

    @Override
    public void groupStart() {
        grouping = true;
    }

    @Override
    public void groupEnd() {
        // Sends never wait for the peer, so only the receives had to be put off.
        grouping = false;
        List<Runnable> work = List.copyOf(pending);
        pending.clear();
        work.forEach(Runnable::run);
    }

    @Override
    public void barrier() {
        if (last != null) {
            last.synchronize();
        }
        exchange.gather("barrier", buffer(0));
        exchange.release();
    }

    // One operation of a group at a time, in the order of the calls, whatever streams they are for.
    private void run(Stream stream, Runnable work) {
        if (last != null && last != stream) {
            stream.waitFor(last);
        }
        last = stream;
        stream.run(work);
    }

    @Override
    public void close() {
        exchange.close();
    }

    private ByteBuffer[] gather(String operation, Tensor tensor) {
        return exchange.gather(operation, fetch(tensor));
    }

    private ByteBuffer fetch(Tensor tensor) {
        mine = reserve(mine, tensor.bytes());
        mine.limit(Math.toIntExact(tensor.bytes()));
        backend.download(mine.duplicate().order(ByteOrder.nativeOrder()), tensor);
        return mine.duplicate().order(ByteOrder.nativeOrder()).position(0);
    }

    private void combine(ByteBuffer[] all, long from, long count, DType dtype, ReduceOp op) {
        int n = Math.toIntExact(count);
        int start = Math.toIntExact(from);
        result.limit(Math.toIntExact(count * dtype.bytes()));
        switch (dtype) {
            case F32 -> combineFloats(all, start, n, op);
            case BF16 -> combineBfloats(all, start, n, op);
            default -> throw new IllegalArgumentException(name() + ": cannot reduce " + dtype);
        }
    }

    private void combineFloats(ByteBuffer[] all, int start, int n, ReduceOp op) {
        FloatBuffer out = result.asFloatBuffer();
        FloatBuffer first = all[0].asFloatBuffer();
        out.put(0, first, start, n);
        for (int r = 1; r < all.length; r++) {
            FloatBuffer next = all[r].asFloatBuffer();
            for (int i = 0; i < n; i++) {
                out.put(i, apply(op, out.get(i), next.get(start + i)));
            }
        }
    }

    private void combineBfloats(ByteBuffer[] all, int start, int n, ReduceOp op) {
        ShortBuffer out = result.asShortBuffer();
        ShortBuffer[] in = new ShortBuffer[all.length];
        for (int r = 0; r < all.length; r++) {
            in[r] = all[r].asShortBuffer();
        }
        for (int i = 0; i < n; i++) {
            float value = Host.toFloat(in[0].get(start + i));
            for (int r = 1; r < in.length; r++) {
                value = apply(op, value, Host.toFloat(in[r].get(start + i)));
            }
            out.put(i, Host.bfloat16(value));
        }
    }

    private static float apply(ReduceOp op, float a, float b) {
        return switch (op) {
            case SUM -> a + b;
            case MAX -> Math.max(a, b);
        };
    }

    private void requireRatio(Tensor small, Tensor large) {
        if (small.dtype() != large.dtype() || small.elements() * size() != large.elements()) {
            throw new IllegalArgumentException(name() + ": " + large + " must have " + size() + " times the elements of " + small);
        }
    }

    private static String describe(Tensor tensor) {
        return tensor.elements() + " " + tensor.dtype();
    }

    private static ByteBuffer reserve(ByteBuffer buffer, long bytes) {
        if (bytes > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("collectives through host memory carry at most 2 GiB a call, not " + bytes + " bytes");
        }
        if (buffer.capacity() < bytes) {
            return buffer((int) Math.min(Integer.MAX_VALUE, Math.max(bytes, 2L * buffer.capacity())));
        }
        buffer.clear();
        return buffer;
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }
}
