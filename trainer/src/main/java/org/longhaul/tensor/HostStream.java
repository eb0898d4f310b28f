package org.longhaul.tensor;

import org.longhaul.tensor.Backend.Mark;
import org.longhaul.tensor.Backend.Stream;

/** The compute stream of a device whose work is done when a call returns; it knows how long its caller waited for others. */
public final class HostStream implements Stream {
    private long waitedNanos;

    @Override
    public long handle() {
        return 0;
    }

    @Override
    public void waitFor(Stream other) {
        if (other instanceof HostLane lane) {
            waiting(lane::synchronize);
        }
    }

    @Override
    public void waitFor(Mark mark) {
        if (mark instanceof HostLane.Position position) {
            waiting(position::await);
        }
    }

    @Override
    public void run(Runnable work) {
        waiting(work);
    }

    @Override
    public void synchronize() {
        // Work is done when a call returns.
    }

    /** Nanoseconds that callers spent so far waiting for lanes and in work of {@link #run}, which is what other ranks take part in. */
    public long waitedNanos() {
        return waitedNanos;
    }

    private void waiting(Runnable work) {
        long start = System.nanoTime();
        work.run();
        waitedNanos += System.nanoTime() - start;
    }
}
