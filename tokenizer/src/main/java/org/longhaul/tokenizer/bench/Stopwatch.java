package org.longhaul.tokenizer.bench;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.ToDoubleFunction;

/** Runs work in several threads that start together, again and again, for a given time. */
final class Stopwatch {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private Stopwatch() {}

    /** Does the part of the work that belongs to one thread. */
    interface Work {
        void run(int thread, int threads);
    }

    /**
     * Seconds of one round.
     *
     * @param wall from the start of the threads to the end of the last
     * @param cpu processor time of the threads, divided by their number: what wall would be on a machine that does nothing else
     */
    record Round(double wall, double cpu) {}

    /** At least one round, and at least {@code seconds} of processor time in all. */
    static List<Round> measure(Work work, int threads, double seconds) {
        List<Round> rounds = new ArrayList<>();
        double total = 0;
        while (rounds.isEmpty() || total < seconds) {
            Round round = round(work, threads);
            rounds.add(round);
            total += round.cpu;
        }
        return rounds;
    }

    private static Round round(Work work, int threads) {
        CyclicBarrier start = new CyclicBarrier(threads + 1);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        AtomicLong cpu = new AtomicLong();
        List<Thread> running = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            int own = i;
            Thread thread = new Thread(() -> {
                try {
                    start.await();
                    long before = THREADS.getCurrentThreadCpuTime();
                    work.run(own, threads);
                    cpu.addAndGet(THREADS.getCurrentThreadCpuTime() - before);
                } catch (Exception | Error e) {
                    failure.compareAndSet(null, e);
                }
            });
            thread.start();
            running.add(thread);
        }
        try {
            start.await();
            long begin = System.nanoTime();
            for (Thread thread : running) {
                thread.join();
            }
            if (failure.get() != null) {
                throw new IllegalStateException(failure.get());
            }
            return new Round((System.nanoTime() - begin) / 1e9, cpu.get() / 1e9 / threads);
        } catch (InterruptedException | java.util.concurrent.BrokenBarrierException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    static double median(List<Round> rounds, ToDoubleFunction<Round> time) {
        double[] sorted = rounds.stream().mapToDouble(time).toArray();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    static double best(List<Round> rounds, ToDoubleFunction<Round> time) {
        return rounds.stream().mapToDouble(time).min().orElseThrow();
    }
}
