package org.longhaul.tensor;

import java.util.ArrayDeque;
import java.util.Queue;
import org.longhaul.tensor.Backend.Mark;
import org.longhaul.tensor.Backend.Stream;

/**
 * A stream of host work beside the computation: a thread that runs what it is given in order. What fails there fails in whoever
 * waits for it or gives it more. The thread starts with the first work.
 */
public final class HostLane implements Stream, AutoCloseable {
    private final String name;
    private final Queue<Runnable> queue = new ArrayDeque<>();
    private Thread thread;
    private long given;
    private long done;
    private RuntimeException failure;
    private boolean thrown;
    private boolean closed;

    /** An idle lane. */
    public HostLane(String name) {
        this.name = name;
    }

    @Override
    public long handle() {
        return 0;
    }

    @Override
    public synchronized void run(Runnable work) {
        check();
        if (closed) {
            throw new IllegalStateException(name + " is closed");
        }
        queue.add(work);
        given++;
        notifyAll();
        if (thread == null) {
            thread = new Thread(this::work, name);
            thread.setDaemon(true);
            thread.start();
        }
    }

    @Override
    public void waitFor(Stream other) {
        // Work of a stream without a thread is done already.
        if (other instanceof HostLane lane && lane != this) {
            Position position = lane.newMark();
            position.set();
            waitFor(position);
        }
    }

    @Override
    public void waitFor(Mark mark) {
        if (mark instanceof Position position && position.lane() != this) {
            long at = position.at;
            run(() -> position.lane().await(at));
        }
    }

    @Override
    public Position newMark() {
        return new Position();
    }

    @Override
    public void synchronize() {
        long all;
        synchronized (this) {
            all = given;
        }
        await(all);
    }

    private synchronized void await(long count) {
        try {
            while (done < count && failure == null) {
                wait();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for " + name);
        }
        check();
    }

    private void check() {
        if (failure != null && !thrown) {
            thrown = true;
            throw failure;
        }
        if (failure != null) {
            // A closing resource that meets the same fault again must not throw the same object: it could not be told as suppressed.
            throw new IllegalStateException(failure.getMessage(), failure);
        }
    }

    private void work() {
        try {
            while (true) {
                next().run();
                synchronized (this) {
                    done++;
                    notifyAll();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error e) {
            synchronized (this) {
                failure = e instanceof RuntimeException r ? r : new IllegalStateException(name + ": " + e, e);
                queue.clear();
                notifyAll();
            }
        }
    }

    private synchronized Runnable next() throws InterruptedException {
        while (queue.isEmpty()) {
            wait();
        }
        return queue.remove();
    }

    @Override
    public synchronized void close() {
        closed = true;
        if (thread != null) {
            thread.interrupt();
        }
    }

    @Override
    public String toString() {
        return name;
    }

    /** A place in the lane's work. */
    public final class Position implements Mark {
        private volatile long at;

        @Override
        public void set() {
            synchronized (HostLane.this) {
                at = given;
            }
        }

        void await() {
            HostLane.this.await(at);
        }

        HostLane lane() {
            return HostLane.this;
        }

        @Override
        public void close() {}
    }
}
