package org.longhaul.tokenizer.bench;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToDoubleFunction;

/**
 * Runs work in the same few threads again and again. Threads live as long as the stopwatch, as those of a program that encodes do:
 * what a thread has learnt (its word cache) is kept. Items are handed out one by one, so that no thread waits long for another.
 */
final class Stopwatch implements AutoCloseable {
    private static final ThreadMXBean CPU = ManagementFactory.getThreadMXBean();

    private final CyclicBarrier begin;
    private final CyclicBarrier end;
    private final AtomicInteger next = new AtomicInteger();
    private final long[] cpu;
    private final long[] started;
    private final long[] ended;
    private Work work;
    private boolean closed;
    private volatile Throwable failure;

    /** Something to do in pieces. */
    interface Work {
        /** How many pieces. */
        int items();

        /** Does one of them, in one of the threads. */
        void run(int item, int thread);
    }

    /**
     * Seconds of one round.
     *
     * @param wall from the start of the first thread to the end of the last
     * @param cpu processor time of the threads, divided by their number: what wall would be on a machine that does nothing else
     */
    record Round(double wall, double cpu) {}

    Stopwatch(int threads) {
        begin = new CyclicBarrier(threads + 1);
        end = new CyclicBarrier(threads + 1);
        cpu = new long[threads];
        started = new long[threads];
        ended = new long[threads];
        for (int i = 0; i < threads; i++) {
            int own = i;
            Thread thread = new Thread(() -> loop(own), "bench-" + i);
            thread.setDaemon(true);
            thread.start();
        }
    }

    private void loop(int own) {
        for (await(begin); !closed; await(begin)) {
            long before = CPU.getCurrentThreadCpuTime();
            started[own] = System.nanoTime();
            try {
                Work now = work;
                int items = now.items();
                for (int item = next.getAndIncrement(); item < items; item = next.getAndIncrement()) {
                    now.run(item, own);
                }
            } catch (Throwable e) {
                failure = e;
            }
            ended[own] = System.nanoTime();
            cpu[own] = CPU.getCurrentThreadCpuTime() - before;
            await(end);
        }
    }

    private static void await(CyclicBarrier barrier) {
        try {
            barrier.await();
        } catch (InterruptedException | BrokenBarrierException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** At least one round, and at least {@code seconds} of processor time in all. */
    List<Round> measure(Work what, double seconds) {
        List<Round> rounds = new ArrayList<>();
        double total = 0;
        while (rounds.isEmpty() || total < seconds) {
            next.set(0);
            work = what;
            await(begin);
            await(end);
            if (failure != null) {
                throw new IllegalStateException(failure);
            }
            double wall = (Arrays.stream(ended).max().orElseThrow() - Arrays.stream(started).min().orElseThrow()) / 1e9;
            rounds.add(new Round(wall, Arrays.stream(cpu).sum() / 1e9 / cpu.length));
            total += rounds.get(rounds.size() - 1).cpu;
        }
        return rounds;
    }

    @Override
    public void close() {
        closed = true;
        await(begin);
    }

    static double median(List<Round> rounds, ToDoubleFunction<Round> time) {
        return median(rounds.stream().mapToDouble(time).toArray());
    }

    static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    static double best(List<Round> rounds, ToDoubleFunction<Round> time) {
        return rounds.stream().mapToDouble(time).min().orElseThrow();
    }
}
