package org.longhaul.checkpoint;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;

/** Several ranks as threads of the test. */
public final class ThreadRanks {
    private final CyclicBarrier arrive;
    private final CyclicBarrier leave;
    private final AtomicBoolean all = new AtomicBoolean(true);
    private final AtomicReference<String> word = new AtomicReference<>();
    private final int size;

    ThreadRanks(int size) {
        this.size = size;
        this.arrive = new CyclicBarrier(size);
        this.leave = new CyclicBarrier(size, () -> all.set(true));
    }

    /** Runs the same work on every rank, each in its own thread; answers are by rank. */
    public static <T> List<T> run(int size, Function<RankGroup, T> work) {
        ThreadRanks ranks = new ThreadRanks(size);
        ExecutorService threads = Executors.newFixedThreadPool(size);
        try {
            List<Callable<T>> tasks = new ArrayList<>();
            for (int r = 0; r < size; r++) {
                RankGroup group = ranks.group(r);
                tasks.add(() -> work.apply(group));
            }
            List<T> answers = new ArrayList<>();
            for (Future<T> f : threads.invokeAll(tasks)) {
                answers.add(f.get());
            }
            return answers;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException r ? r : new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        } finally {
            threads.shutdownNow();
        }
    }

    private RankGroup group(int rank) {
        return new RankGroup() {
            @Override
            public int rank() {
                return rank;
            }

            @Override
            public int size() {
                return size;
            }

            @Override
            public boolean all(boolean mine) {
                try {
                    if (!mine) {
                        all.set(false);
                    }
                    arrive.await();
                    boolean answer = all.get();
                    leave.await();
                    return answer;
                } catch (InterruptedException | BrokenBarrierException e) {
                    throw new IllegalStateException(e);
                }
            }

            @Override
            public String first(String mine) {
                if (rank == 0) {
                    word.set(mine);
                }
                all(true);
                String said = word.get();
                // Nobody may say the next word before all have heard this one.
                all(true);
                return said;
            }
        };
    }
}
