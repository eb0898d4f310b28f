package org.longhaul.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.model.ModelConfig;
import org.longhaul.model.ModelStage;
import org.longhaul.model.ParameterLayout;
import org.longhaul.model.ParameterStore;
import org.longhaul.model.Recompute;
import org.longhaul.ops.AdamWStep;
import org.longhaul.ops.AttentionShape;
import org.longhaul.ops.Ops;
import org.longhaul.ops.cuda.CudaOps;
import org.longhaul.parallel.Communicator;
import org.longhaul.profile.Marks;
import org.longhaul.profile.OpsProfile;
import org.longhaul.profile.ProfileFiles;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/**
 * A whole training step on one GPU: micro-batches forward and backward with fp32 accumulation, global norm and clipping at 1.0, AdamW
 * (0.9, 0.95, decay 0.1, rate 3e-4). The data is one random micro-batch, as in the peer scripts.
 */
final class BenchStep implements AutoCloseable {
    private static final double RATE = 3e-4;
    private static final int PROFILED_STEPS = 3;

    private final CudaBackend backend;
    private final Ops ops;
    private final BenchShape shape;
    private final ParameterStore store;
    private final ModelStage stage;
    private final Arena scalars;
    private final Tensor sumSquares;
    private final Tensor clip;
    private final List<Backend.Graph> graphs = new ArrayList<>();
    private int[] data;
    private long step;

    BenchStep(CudaBackend backend, BenchShape shape, Recompute recompute, long lossChunk, boolean fp8) {
        this.backend = backend;
        this.ops = backend.ops();
        this.shape = shape;
        this.store = new ParameterStore(backend, ParameterLayout.single(shape.model()), Communicator.single("data"), true);
        this.stage = new ModelStage(
                backend, store, shape.microBatch(), shape.model().context(),
                new ModelStage.Options(recompute, 1, Math.min(lossChunk, shape.tokensPerMicroBatch()), 0, true, fp8),
                Communicator.single("tensor"));
        this.scalars = backend.allocate("optimizer scalars", 2 * Arena.ALIGNMENT);
        this.sumSquares = scalars.tensor("sum of squares", 0, DType.F32, 1);
        this.clip = scalars.tensor("clip", Arena.ALIGNMENT, DType.F32, 3);
        Host.put(backend, stage.gradientScale(), (float) (1.0 / shape.tokensPerStep()));
    }

    void initialise(long seed) {
        store.initialise(seed);
        Random random = new Random(seed);
        int tokens = (int) shape.tokensPerMicroBatch();
        int sequence = shape.model().context();
        int[] inputs = new int[tokens];
        int[] targets = new int[tokens];
        data = random.ints((long) shape.microBatch() * (sequence + 1), 0, shape.model().vocab()).toArray();
        for (int b = 0; b < shape.microBatch(); b++) {
            System.arraycopy(data, b * (sequence + 1), inputs, b * sequence, sequence);
            System.arraycopy(data, b * (sequence + 1) + 1, targets, b * sequence, sequence);
        }
        Host.put(backend, stage.tokens(0), inputs);
        Host.put(backend, stage.targets(0), targets);
    }

    /** Writes weights and data for the peer. */
    void save(Path file) {
        PeerStart.write(file, backend, store, shape.microBatch(), shape.model().context(), data);
    }

    /** Records the micro-batches as graphs, after a step has run without them. */
    void useGraphs() {
        graphs.add(backend.capture("first micro-batch", () -> microBatch(true)));
        if (shape.accumulate() > 1) {
            graphs.add(backend.capture("further micro-batch", () -> microBatch(false)));
        }
    }

    long graphNodes() {
        return graphs.isEmpty() ? 0 : graphs.get(0).nodes();
    }

    private void microBatch(boolean first) {
        stage.forward(0);
        stage.backward(0, first, bucket -> {});
    }

    /** Enqueues forward and backward of one micro-batch, whose gradients begin anew. */
    void gradients() {
        backend.zero(stage.lossSum());
        microBatch(true);
    }

    /** Weights and gradients. */
    ParameterStore store() {
        return store;
    }

    /** Enqueues one step. */
    void run() {
        run(!graphs.isEmpty());
    }

    /** Runs some steps one call at a time with every operation timed. */
    List<OpsProfile.Span> profile(OpsProfile profile, int steps) {
        run(false);
        backend.synchronize();
        profile.on(Marks.of(backend), backend.computeStream());
        for (int i = 0; i < steps; i++) {
            run(false);
        }
        return profile.off();
    }

    private void run(boolean byGraph) {
        backend.zero(stage.lossSum());
        for (int i = 0; i < shape.accumulate(); i++) {
            if (byGraph) {
                graphs.get(Math.min(i, 1)).launch(backend.computeStream());
            } else {
                microBatch(i == 0);
            }
        }
        optimizer();
    }

    /** Clipping and AdamW: matrices with weight decay, norm weights without. */
    void optimizer() {
        step++;
        backend.zero(sumSquares);
        ops.sumOfSquares(sumSquares, store.gradients());
        ops.clipFactor(clip, sumSquares, 1.0);
        long decayed = store.layout().decayed();
        update(0, decayed, 0.1);
        update(decayed, store.layout().elements(), 0);
    }

    private void update(long from, long to, double decay) {
        ops.adamW(
                new AdamWStep(RATE, 0.9, 0.95, 1e-8, decay, step), store.master().slice(from, to), store.gradients().slice(from, to),
                store.firstMoment().slice(from, to), store.secondMoment().slice(from, to), store.weights().slice(from, to), clip);
    }

    /** Mean loss per token of the last step; waits for it. */
    double loss() {
        return Host.floats(backend, stage.lossSum())[0] / shape.tokensPerStep();
    }

    /** What `longhaul plan` counts: the arenas and the workspaces of the operations. */
    private long plannedBytes() {
        ModelConfig m = shape.model();
        AttentionShape attention = new AttentionShape(shape.microBatch(), m.context(), m.heads(), m.kvHeads(), m.headDim());
        return backend.heldBytes() + CudaOps.plannedBytes(
                backend.settings().gemmWorkspace(), attention, backend.settings().deterministic(), false, m.dModel());
    }

    /** Warms up and measures, one synchronisation a step as the peers do; weights and data go to {@code save} first, unless null. */
    static BenchResult measure(CudaBackend backend, BenchShape shape, GpuBenchOptions options, OpsProfile profile, Path save) {
        long free = backend.device().freeMemory();
        try (BenchStep bench = new BenchStep(backend, shape, options.recompute(), options.lossChunk(), options.fp8())) {
            bench.initialise(options.seed());
            if (save != null) {
                bench.save(save);
            }
            bench.run();
            double first = bench.loss();
            if (options.graph()) {
                bench.useGraphs();
            }
            for (int i = 1; i < options.warmup(); i++) {
                bench.run();
            }
            backend.synchronize();
            double[] seconds = new double[options.steps()];
            for (int i = 0; i < seconds.length; i++) {
                long start = System.nanoTime();
                bench.run();
                backend.synchronize();
                seconds[i] = (System.nanoTime() - start) / 1e9;
            }
            double last = bench.loss();
            double peak = (free - backend.device().freeMemory()) / (double) (1 << 30);
            Arrays.sort(seconds);
            double median = seconds[seconds.length / 2];
            double speed = shape.tokensPerStep() / median;
            String how = (options.fp8() ? "fp8, " : "") + "recompute " + options.recompute().name().toLowerCase(java.util.Locale.ROOT)
                    + (options.graph() ? ", graph of " + bench.graphNodes() + " nodes" : ", no graph");
            if (options.profile() != null) {
                ProfileFiles.write(
                        options.profile(), shape.name(), bench.profile(profile, PROFILED_STEPS), PROFILED_STEPS);
            }
            how += String.format(java.util.Locale.ROOT, ", plan %.1f GiB", bench.plannedBytes() / (double) (1 << 30));
            return new BenchResult(
                    "longhaul", shape.name(), median, seconds[0], speed, shape.teraflops(speed), peak, first, last, how);
        }
    }

    @Override
    public void close() {
        backend.synchronize();
        graphs.forEach(Backend.Graph::close);
        stage.close();
        store.close();
        scalars.close();
    }
}
