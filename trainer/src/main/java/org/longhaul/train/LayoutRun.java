package org.longhaul.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;
import org.longhaul.batch.SampleOrder;
import org.longhaul.batch.TokenSource;
import org.longhaul.checkpoint.SaveSchedule.Wish;
import org.longhaul.error.UserError;
import org.longhaul.model.ParameterStore;
import org.longhaul.parallel.Mesh;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.tensor.Backend;

/**
 * Some training steps under one layout, and what came of them in global shape.
 *
 * @param losses mean token loss of each step, nats
 * @param norms global gradient norm of each step before clipping
 * @param gradients of the first step
 * @param weights after the last step
 */
record LayoutRun(List<Double> losses, List<Double> norms, GlobalTensors gradients, GlobalTensors weights) {

    /** All ranks of {@code config.mesh()} as threads of this process, rank r on the device that {@code devices} opens for it. */
    static LayoutRun inProcess(TrainConfig config, TokenSource tokens, int steps, IntFunction<Backend> devices, Duration timeout) {
        int ranks = config.mesh().size();
        List<Backend> backends = new ArrayList<>();
        ExecutorService threads = Executors.newFixedThreadPool(ranks);
        try {
            for (int r = 0; r < ranks; r++) {
                backends.add(devices.apply(r));
            }
            List<MeshGroups> groups = MeshGroups.inProcess(config.mesh(), backends, timeout);
            LayoutRun run = new LayoutRun(new ArrayList<>(), new ArrayList<>(), new GlobalTensors(), new GlobalTensors());
            List<Future<?>> done = new ArrayList<>();
            for (int r = 0; r < ranks; r++) {
                int rank = r;
                done.add(threads.submit(() -> {
                    try {
                        run.steps(config, backends.get(rank), groups.get(rank), tokens, steps);
                    } catch (RuntimeException | Error e) {
                        groups.get(rank).abort("rank " + rank + " failed: " + e);
                        throw e;
                    }
                }));
            }
            await(done);
            run.gradients.requireComplete();
            run.weights.requireComplete();
            return run;
        } finally {
            threads.shutdownNow();
            backends.forEach(Backend::close);
        }
    }

    /**
     * This process's part among those of a job. What came of it is put together on rank 0 through files in {@code exchange},
     * which all processes see; the others get their own part only.
     */
    static LayoutRun acrossProcesses(TrainConfig config, TokenSource tokens, int steps, RankSetup setup, Path exchange) {
        LayoutRun run = new LayoutRun(
                new ArrayList<>(), new ArrayList<>(), new GlobalTensors().recording(), new GlobalTensors().recording());
        run.steps(config, setup.backend(), setup.groups(), tokens, steps);
        int rank = setup.groups().rank();
        try {
            Files.createDirectories(exchange);
            if (rank != 0) {
                run.gradients.write(exchange.resolve("gradients-" + rank));
                run.weights.write(exchange.resolve("weights-" + rank));
            }
            setup.groups().world().barrier();
            for (int r = 1; r < setup.groups().mesh().size() && rank == 0; r++) {
                run.gradients.read(exchange.resolve("gradients-" + r));
                run.weights.read(exchange.resolve("weights-" + r));
                Files.delete(exchange.resolve("gradients-" + r));
                Files.delete(exchange.resolve("weights-" + r));
            }
        } catch (IOException e) {
            throw UserError.environment(exchange + ": ranks cannot exchange results there: " + e.getMessage()
                    + "; output must be a folder that all processes share", e);
        }
        if (rank == 0) {
            run.gradients.requireComplete();
            run.weights.requireComplete();
        }
        return run;
    }

    /** One rank alone on a device that is open already. */
    static LayoutRun alone(TrainConfig config, TokenSource tokens, int steps, Backend backend) {
        LayoutRun run = new LayoutRun(new ArrayList<>(), new ArrayList<>(), new GlobalTensors(), new GlobalTensors());
        run.steps(config.over(Mesh.single()), backend, MeshGroups.single(), tokens, steps);
        return run;
    }

    /** This rank's part of the run; results are added to this record's collections. */
    void steps(TrainConfig config, Backend backend, MeshGroups groups, TokenSource tokens, int steps) {
        try (Engine engine = new Engine(config, backend, groups)) {
            engine.initialise(config.seed());
            SampleOrder order = new SampleOrder(tokens, config.model().context(), config.seed(), config.data().stage());
            for (int step = 1; step <= steps; step++) {
                engine.gradients(order, (step - 1L) * config.batch().sequences(), false, Wish.NONE);
                if (step == 1) {
                    add(gradients, backend, engine.stores(), ParameterStore::gradients);
                }
                engine.update(config.schedule().at(step, config.steps()), step, step);
                StepScalars.Result result = engine.scalars().take()[0];
                if (groups.rank() == 0) {
                    losses.add(result.lossSum() / config.tokensPerStep());
                    norms.add(result.norm());
                }
            }
            add(weights, backend, engine.stores(), ParameterStore::weights);
        }
    }

    private static void add(
            GlobalTensors to, Backend backend, List<ParameterStore> stores,
            java.util.function.Function<ParameterStore, org.longhaul.tensor.Tensor> flat) {
        for (ParameterStore store : stores) {
            to.addOwned(backend, store, flat.apply(store));
        }
    }

    // The first rank to fail knows the cause; the others only know that it failed.
    private static void await(List<Future<?>> done) {
        Map<Integer, Throwable> failures = new TreeMap<>();
        for (int r = 0; r < done.size(); r++) {
            try {
                done.get(r).get();
            } catch (ExecutionException e) {
                failures.put(r, e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw UserError.environment("interrupted");
            }
        }
        if (failures.isEmpty()) {
            return;
        }
        Throwable cause = failures.values().stream()
                .filter(f -> f.getMessage() == null || !f.getMessage().matches("rank \\d+ failed: .*"))
                .findFirst().orElse(failures.values().iterator().next());
        if (cause instanceof RuntimeException e) {
            throw e;
        }
        throw new IllegalStateException(cause);
    }
}
