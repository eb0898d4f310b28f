package org.longhaul.parallel;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.longhaul.error.UserError;

/** One rank's end of a group whose ranks are threads of this process. */
final class InProcessExchange implements Exchange {
    private final Hub hub;
    private final int rank;

    private InProcessExchange(Hub hub, int rank) {
        this.hub = hub;
        this.rank = rank;
    }

    /** The ends of a new group, in rank order. */
    static List<Exchange> group(String name, int size, Duration timeout) {
        Hub hub = new Hub(name, size, timeout);
        List<Exchange> ends = new ArrayList<>();
        for (int r = 0; r < size; r++) {
            ends.add(new InProcessExchange(hub, r));
        }
        return List.copyOf(ends);
    }

    @Override
    public String name() {
        return hub.name;
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int size() {
        return hub.size;
    }

    @Override
    public ByteBuffer[] gather(String operation, ByteBuffer mine) {
        return hub.arrive(rank, operation, mine);
    }

    @Override
    public void release() {
        hub.leave(rank);
    }

    @Override
    public void send(int peer, ByteBuffer payload) {
        ByteBuffer copy = ByteBuffer.allocateDirect(payload.remaining()).order(payload.order());
        copy.put(payload.duplicate()).flip();
        hub.post(rank, peer, copy);
    }

    @Override
    public void receive(int peer, ByteBuffer into) {
        ByteBuffer payload = hub.take(peer, rank);
        if (payload.remaining() != into.remaining()) {
            throw new IllegalStateException(hub.name + ": rank " + rank + " expects " + into.remaining() + " bytes from rank "
                    + peer + ", which sent " + payload.remaining());
        }
        into.put(payload);
    }

    @Override
    public void abort(String cause) {
        hub.abort(cause);
    }

    @Override
    public void close() {}

    /** What the ranks share. A gather has two phases: all arrive, then all leave. */
    private static final class Hub {
        private final String name;
        private final int size;
        private final long timeoutNanos;
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition changed = lock.newCondition();
        private final String[] operations;
        private final ByteBuffer[] payloads;
        private final boolean[] here;
        private final List<Queue<ByteBuffer>> mail = new ArrayList<>();
        private int arrived;
        private int reading;
        private String failure;

        Hub(String name, int size, Duration timeout) {
            this.name = name;
            this.size = size;
            this.timeoutNanos = timeout.toNanos();
            this.operations = new String[size];
            this.payloads = new ByteBuffer[size];
            this.here = new boolean[size];
            for (int i = 0; i < size * size; i++) {
                mail.add(new ArrayDeque<>());
            }
        }

        ByteBuffer[] arrive(int rank, String operation, ByteBuffer mine) {
            lock.lock();
            try {
                long left = timeoutNanos;
                while (reading > 0 && failure == null) {
                    left = await(left, rank, operation);
                }
                check();
                operations[rank] = operation;
                payloads[rank] = mine;
                here[rank] = true;
                if (++arrived == size) {
                    requireSameOperation();
                    reading = size;
                    changed.signalAll();
                }
                while (reading == 0 && failure == null) {
                    left = await(left, rank, operation);
                }
                check();
                ByteBuffer[] all = new ByteBuffer[size];
                for (int r = 0; r < size; r++) {
                    all[r] = payloads[r].duplicate().order(payloads[r].order());
                }
                return all;
            } finally {
                lock.unlock();
            }
        }

        void leave(int rank) {
            lock.lock();
            try {
                here[rank] = false;
                if (--arrived == 0) {
                    reading = 0;
                    changed.signalAll();
                }
                // Until all have left, the payload of any rank may still be read.
                String operation = operations[rank];
                long left = timeoutNanos;
                while (reading > 0 && failure == null) {
                    left = await(left, rank, "end of " + operation);
                }
                check();
            } finally {
                lock.unlock();
            }
        }

        void post(int from, int to, ByteBuffer payload) {
            lock.lock();
            try {
                check();
                mail.get(from * size + to).add(payload);
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        ByteBuffer take(int from, int to) {
            lock.lock();
            try {
                Queue<ByteBuffer> box = mail.get(from * size + to);
                long left = timeoutNanos;
                while (box.isEmpty() && failure == null) {
                    if (left <= 0) {
                        throw fail(name + ": rank " + to + " waited " + seconds() + " s for a message from rank " + from);
                    }
                    left = awaitNanos(left);
                }
                check();
                return box.remove();
            } finally {
                lock.unlock();
            }
        }

        void abort(String cause) {
            lock.lock();
            try {
                if (failure == null) {
                    failure = cause;
                }
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        private long await(long left, int rank, String operation) {
            if (left <= 0) {
                List<Integer> missing = new ArrayList<>();
                for (int r = 0; r < size; r++) {
                    if (here[r] == (reading > 0)) {
                        missing.add(r);
                    }
                }
                throw fail(name + ": " + operation + " on rank " + rank + " waited " + seconds() + " s for rank(s) " + RankList.text(missing));
            }
            return awaitNanos(left);
        }

        private long awaitNanos(long left) {
            try {
                return changed.awaitNanos(left);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw fail(name + ": interrupted");
            }
        }

        private UserError fail(String message) {
            if (failure == null) {
                failure = message;
                changed.signalAll();
            }
            return UserError.environment(message);
        }

        private void check() {
            if (failure != null) {
                throw UserError.environment(failure);
            }
        }

        private void requireSameOperation() {
            for (int r = 1; r < size; r++) {
                if (!operations[r].equals(operations[0])) {
                    throw fail(name + ": rank 0 is at '" + operations[0] + "' while rank " + r + " is at '" + operations[r]
                            + "'; the ranks' programs have parted");
                }
            }
        }

        private long seconds() {
            return TimeUnit.NANOSECONDS.toSeconds(timeoutNanos);
        }
    }
}
