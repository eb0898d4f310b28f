package org.longhaul.tokenizer.train;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** A few threads that do short tasks together, thousands a second: they wait for the next one awake for a moment, then asleep. */
final class Crew implements AutoCloseable {
    private static final int SPINS = 2_000;

    private final Thread[] helpers;
    private final AtomicInteger open = new AtomicInteger();
    private volatile int round;
    private volatile boolean closed;
    private Task task;
    private volatile Thread caller;
    private volatile Throwable failure;

    /** Part of a task. */
    interface Task {
        /** Does the part of one of {@code size()} workers. */
        void run(int worker);
    }

    Crew(int size) {
        helpers = new Thread[size - 1];
        for (int i = 0; i < helpers.length; i++) {
            int worker = i + 1;
            helpers[i] = new Thread(() -> help(worker), "bpe-merge-" + worker);
            helpers[i].setDaemon(true);
            helpers[i].start();
        }
    }

    int size() {
        return helpers.length + 1;
    }

    /** Has every worker do its part, the calling thread that of worker 0, and returns when all are done. */
    void run(Task work) {
        caller = Thread.currentThread();
        task = work;
        open.set(helpers.length);
        round++;
        for (Thread helper : helpers) {
            LockSupport.unpark(helper);
        }
        Throwable own = null;
        try {
            work.run(0);
        } catch (Throwable e) {
            own = e;
        }
        // Nobody else may still work when this returns, not even after a failure.
        for (int spin = 0; open.get() > 0; spin++) {
            pause(spin);
        }
        Throwable thrown = own != null ? own : failure;
        failure = null;
        if (thrown instanceof RuntimeException e) {
            throw e;
        } else if (thrown instanceof Error e) {
            throw e;
        }
    }

    private void help(int worker) {
        int done = 0;
        while (true) {
            for (int spin = 0; round == done; spin++) {
                if (closed) {
                    return;
                }
                pause(spin);
            }
            done++;
            try {
                task.run(worker);
            } catch (Throwable e) {
                failure = e;
            }
            if (open.decrementAndGet() == 0) {
                LockSupport.unpark(caller);
            }
        }
    }

    private static void pause(int spin) {
        if (spin < SPINS) {
            Thread.onSpinWait();
        } else {
            LockSupport.park();
        }
    }

    @Override
    public void close() {
        closed = true;
        for (Thread helper : helpers) {
            LockSupport.unpark(helper);
        }
    }
}
