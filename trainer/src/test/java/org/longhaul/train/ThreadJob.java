package org.longhaul.train;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.longhaul.checkpoint.RankGroup;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.train.Trainer.Outcome;

/** A whole training job of several ranks as threads of this process, checkpoints included. */
final class ThreadJob {
    private ThreadJob() {}

    static Outcome run(TrainConfig config, TrainData data) throws Exception {
        int size = config.mesh().size();
        List<CpuBackend> backends = new ArrayList<>();
        for (int r = 0; r < size; r++) {
            backends.add(new CpuBackend(1));
        }
        List<MeshGroups> groups = MeshGroups.inProcess(config.mesh(), backends, Duration.ofSeconds(60));
        Votes votes = new Votes(size);
        ExecutorService threads = Executors.newFixedThreadPool(size);
        try {
            List<Future<Outcome>> ranks = new ArrayList<>();
            for (int r = 0; r < size; r++) {
                int rank = r;
                ranks.add(threads.submit(() -> {
                    try (RankSetup setup = new RankSetup(backends.get(rank), groups.get(rank), votes.of(rank), null, null, 0)) {
                        return TrainJob.run(config, data, setup, new StopRequest());
                    } catch (RuntimeException | Error e) {
                        groups.get(rank).abort("rank " + rank + " failed: " + e);
                        throw e;
                    }
                }));
            }
            Outcome outcome = null;
            for (Future<Outcome> rank : ranks) {
                outcome = rank.get();
            }
            return outcome;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        } finally {
            threads.shutdownNow();
        }
    }

    /** Ranks that agree through a barrier. */
    private static final class Votes {
        private final AtomicBoolean open = new AtomicBoolean(true);
        private final CyclicBarrier vote;
        private final CyclicBarrier read;
        private final int size;
        private volatile boolean answer;

        Votes(int size) {
            this.size = size;
            this.vote = new CyclicBarrier(size, () -> {
                answer = open.get();
                open.set(true);
            });
            this.read = new CyclicBarrier(size);
        }

        RankGroup of(int rank) {
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
                    if (!mine) {
                        open.set(false);
                    }
                    await(vote);
                    boolean all = answer;
                    await(read);
                    return all;
                }
            };
        }

        private static void await(CyclicBarrier barrier) {
            try {
                barrier.await(60, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            } catch (BrokenBarrierException | TimeoutException e) {
                throw new IllegalStateException("a rank did not vote", e);
            }
        }
    }
}
