package org.longhaul.parallel;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.longhaul.tensor.Backend.Stream;
import org.longhaul.tensor.HostBackend;
import org.longhaul.tensor.Tensor;

/** A link on which a send ends only when its receive has taken the bytes, which are read then and not before: as NCCL may do it. */
record RendezvousLink(
        String name, int rank, int size, HostBackend backend, BlockingQueue<Offer> offers, Duration patience) implements Communicator {
    /** What a sender holds out. */
    record Offer(ByteBuffer bytes, CountDownLatch taken) {}

    @Override
    public void send(Tensor buffer, int peer, Stream stream) {
        stream.run(() -> {
            Offer offer = new Offer(backend.bytes(buffer), new CountDownLatch(1));
            offers.add(offer);
            if (!waitFor(() -> offer.taken.await(patience.toMillis(), TimeUnit.MILLISECONDS))) {
                throw new IllegalStateException(name + ": nobody received");
            }
        });
    }

    @Override
    public void receive(Tensor buffer, int peer, Stream stream) {
        stream.run(() -> {
            Offer offer = waitFor(() -> offers.poll(patience.toMillis(), TimeUnit.MILLISECONDS));
            if (offer == null) {
                throw new IllegalStateException(name + ": nobody sent");
            }
            backend.bytes(buffer).put(offer.bytes);
            offer.taken.countDown();
        });
    }

    private interface Wait<T> {
        T run() throws InterruptedException;
    }

    private static <T> T waitFor(Wait<T> wait) {
        try {
            return wait.run();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void allReduce(Tensor buffer, ReduceOp op, Stream stream) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void reduceScatter(Tensor output, Tensor input, ReduceOp op, Stream stream) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void allGather(Tensor output, Tensor input, Stream stream) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void broadcast(Tensor buffer, int root, Stream stream) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void groupStart() {}

    @Override
    public void groupEnd() {}

    @Override
    public void barrier() {}

    @Override
    public void close() {}
}
