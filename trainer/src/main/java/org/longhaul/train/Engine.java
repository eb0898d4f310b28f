package org.longhaul.train;

import java.util.ArrayList;
import java.util.List;
import org.longhaul.batch.SampleOrder;
import org.longhaul.checkpoint.SaveSchedule.Wish;
import org.longhaul.model.ModelStage;
import org.longhaul.model.ParameterLayout;
import org.longhaul.model.ParameterStore;
import org.longhaul.model.StageRange;
import org.longhaul.optim.Optimizer;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.parallel.PipelineExecutor;
import org.longhaul.parallel.PipelineSchedule;
import org.longhaul.parallel.ReduceOp;
import org.longhaul.profile.Phases;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Backend.Stream;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;
import org.longhaul.trust.Faults;
import org.longhaul.trust.NonFiniteReport;

/** One rank's model, optimizer and links: everything of a step that happens on the device. */
final class Engine implements TokenLosses, AutoCloseable {
    private final Backend backend;
    private final MeshGroups groups;
    private final TrainConfig config;
    private final int microBatches;
    private final List<Chunk> chunks = new ArrayList<>();
    private final List<ParameterStore> stores = new ArrayList<>();
    private final PipelineExecutor executor;
    private final Optimizer optimizer;
    private final StepScalars scalars;
    private final Stream dataStream;
    private final ReplicaCheck replicas;
    private final WeightGather gather;
    private final MicroGraphs graphs;
    private final BatchFeed feed;
    private final Faults faults = Faults.planted();
    private Phases phases = Phases.NONE;
    private LayerProbe probe;

    /** Allocates everything; weights are still zero. */
    Engine(TrainConfig config, Backend backend, MeshGroups groups) {
        this.config = config;
        this.backend = backend;
        this.groups = groups;
        int dataRanks = groups.mesh().data();
        int pipeline = groups.mesh().pipeline();
        int virtual = groups.mesh().virtualStages();
        this.microBatches = config.batch().accumulation(dataRanks);
        this.graphs = new MicroGraphs(
                backend, config.device().cudaGraph() != DeviceConfig.Graphs.OFF && groups.tensor().recordable(), dataRanks > 1,
                groups.rank() == 0, this::agreed);
        List<Integer> slots = PipelineSchedule.of(pipeline, groups.stage(), virtual, microBatches).inFlight();
        int micro = config.batch().microBatch();
        for (int c = 0; c < virtual; c++) {
            StageRange range = StageRange.of(config.model(), c * pipeline + groups.stage(), pipeline * virtual);
            ParameterLayout layout = new ParameterLayout(
                    config.model(), range, groups.tensor().rank(), groups.tensor().size(), dataRanks);
            ParameterStore store = new ParameterStore(
                    backend, layout, groups.data(), true, config.optimizer().moments().type());
            ModelStage.Options options = config.stageOptions(slots.get(c), groups.mesh());
            ModelStage stage = new ModelStage(backend, store, micro, config.model().context(), options, groups.tensor());
            Host.put(backend, stage.gradientScale(), (float) (1.0 / config.tokensPerStep()));
            stores.add(store);
            chunks.add(new Chunk(stage, store, options.slots()));
        }
        this.executor = new PipelineExecutor(backend, groups, chunks, microBatches, config.ranks().prefetchReceives());
        this.optimizer = new Optimizer(backend, stores, config.optimizer(), groups.tensor());
        this.scalars = new StepScalars(backend, groups.world(), config.stepsPerLook());
        this.dataStream = backend.newCommunicationStream("data parallel");
        this.gather = new WeightGather(backend, dataStream, stores, config.ranks().overlapGather());
        this.replicas = new ReplicaCheck(backend, groups, stores, config.ranks().hashEvery());
        this.feed = new BatchFeed(config, backend, groups, chunks.get(0).stage.documentIndex());
    }

    /** Draws the initial weights. */
    void initialise(long seed) {
        stores.forEach(store -> store.initialise(seed));
    }

    /** The rank's parameters, one store a virtual stage, with weights that are together on all ranks. */
    List<ParameterStore> stores() {
        gather.finish();
        return stores;
    }

    /** Tells the phases of steps from now on; while somebody looks, operations are launched one by one. */
    void observe(Phases observer) {
        phases = observer;
        graphs.bypass(observer != Phases.NONE);
    }

    /** Numbers of the steps. */
    StepScalars scalars() {
        return scalars;
    }

    /** Forward and backward of one global batch that starts at a sample; gradients end summed in the owned parts. The wishes reach all ranks. */
    void gradients(SampleOrder order, long sample, boolean stop, Wish save) {
        graphs.record();
        feed.begin(order, sample);
        scalars.begin();
        scalars.wish(stop, save);
        if (faults.any()) {
            plant();
        }
        run();
        phases.open("norm and clip");
        optimizer.addSumOfSquares(scalars.sumSquares());
        Chunk last = chunks.get(chunks.size() - 1);
        if (last.last() && groups.tensor().rank() == 0) {
            backend.copy(scalars.lossSum(), last.stage.lossSum());
        }
        scalars.reduce();
        scalars.keep(optimizer.clip(scalars.globalSumSquares()));
        phases.close();
    }

    private void run() {
        for (Chunk chunk : chunks) {
            chunk.started = false;
            backend.zero(chunk.stage.lossSum());
        }
        executor.run();
        for (Chunk chunk : chunks) {
            chunk.stage.finishGradients();
            chunk.reduceRest();
        }
        backend.computeStream().waitFor(dataStream);
    }

    // Whether a graph may hold a collective is a matter of all ranks that take part in it.
    private boolean agreed(boolean mine) {
        if (groups.tensor().size() == 1) {
            return mine;
        }
        try (Arena vote = backend.allocate("vote on graphs", Arena.ALIGNMENT)) {
            Tensor against = vote.tensor("votes against graphs", 0, DType.F32, 1);
            Host.put(backend, against, mine ? 0f : 1f);
            groups.tensor().allReduce(against, ReduceOp.SUM, backend.computeStream());
            return Host.floats(backend, against)[0] == 0;
        }
    }

    private void plant() {
        for (Chunk chunk : chunks) {
            Host.put(backend, chunk.stage.gradientScale(), (float) (faults.factor(feed.firstSample()) / config.tokensPerStep()));
            for (Faults.Weight w : faults.weights()) {
                if (w.sample() == feed.firstSample() && chunk.store.layout().parameters().stream().anyMatch(p -> p.name().equals(w.tensor()))) {
                    gather.finish();
                    Host.put(backend, chunk.store.weight(w.tensor()).slice(0, 1), w.value());
                }
            }
        }
    }

    /**
     * Updates the parameters and compares replicas where that is due; nothing changes where the gradients were not finite.
     *
     * @param updates so far, this one included: steps but for those that were skipped
     */
    void update(double learningRate, long step, long updates) {
        phases.open("optimizer");
        optimizer.step(learningRate, updates);
        phases.close();
        gather.begin();
        if (replicas.due(step)) {
            gather.finish();
            replicas.compare(step);
        }
    }

    @Override
    public void begin() {
        gather.finish();
    }

    @Override
    public boolean losses(int[] ids, int[] next, int[] begins, float[] losses) {
        MeshGroups.Links links = groups.links().orElse(null);
        Stream compute = backend.computeStream();
        for (Chunk chunk : chunks) {
            ModelStage stage = chunk.stage;
            if (chunk.first()) {
                feed.upload(stage.tokens(0), ids);
            } else {
                links.forwardIn().receive(stage.input(0), 0, compute);
            }
            if (stage.documents(0) != null) {
                feed.uploadDocuments(stage.documents(0), begins);
            }
            stage.forward(0);
            if (chunk.last()) {
                feed.upload(stage.targets(0), next);
                float[] values = Host.floats(backend, stage.loss(0));
                System.arraycopy(values, 0, losses, 0, values.length);
                return true;
            }
            links.forwardOut().send(stage.output(0), 1, compute);
        }
        return false;
    }

    @Override
    public boolean withinDocuments() {
        return config.data().documentMask();
    }

    @Override
    public MeshGroups groups() {
        return groups;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    /** Which weights, in the order of the layers, and which optimizer state of this rank hold values that are no numbers. */
    List<NonFiniteReport> nonFiniteWeights() {
        List<Tensor> suspects = new ArrayList<>();
        for (ParameterStore store : stores()) {
            store.layout().parameters().forEach(p -> suspects.add(named("weight of ", store.weight(p.name()))));
            suspects.addAll(List.of(store.master(), store.firstMoment(), store.secondMoment()));
        }
        return NonFiniteReport.scan(backend, suspects);
    }

    /**
     * Where this rank's part of the last batch stopped being numbers: in weights, else in a layer's output, else in gradients, these from the
     * end of the model back, so that the first is the origin. Computes the batch again, so every rank must call it; takes two steps' time.
     */
    List<NonFiniteReport> nonFinite() {
        List<Tensor> gradients = new ArrayList<>();
        for (ParameterStore store : stores) {
            store.layout().parameters().forEach(p -> gradients.add(0, named("gradient of ", store.gradient(p.name()))));
        }
        // Before they are computed again.
        List<NonFiniteReport> inGradients = NonFiniteReport.scan(backend, gradients);
        probe = new LayerProbe(backend);
        run();
        probe.layers();
        run();
        List<NonFiniteReport> inLayers = probe.found();
        probe = null;
        List<NonFiniteReport> inWeights = nonFiniteWeights();
        return !inWeights.isEmpty() ? inWeights : !inLayers.isEmpty() ? inLayers : inGradients;
    }

    private static Tensor named(String what, Tensor t) {
        return t.arena().tensor(what + t.name(), t.offset(), t.dtype(), t.shape());
    }

    /** Seconds this rank has spent so far reading samples. */
    double readingSeconds() {
        return feed.readingSeconds();
    }

    @Override
    public void close() {
        feed.close();
        graphs.close();
        executor.close();
        replicas.close();
        scalars.close();
        optimizer.close();
        chunks.forEach(chunk -> chunk.stage.close());
        stores.forEach(ParameterStore::close);
    }

    /** A model part as the pipeline sees it. */
    private final class Chunk implements PipelineExecutor.Stage {
        private final ModelStage stage;
        private final ParameterStore store;
        private final int slots;
        private final List<MicroGraphs.Part> forwards = new ArrayList<>();
        private final List<MicroGraphs.Part> firstBackwards = new ArrayList<>();
        private final List<MicroGraphs.Part> backwards = new ArrayList<>();
        private boolean started;

        Chunk(ModelStage stage, ParameterStore store, int slots) {
            this.stage = stage;
            this.store = store;
            this.slots = slots;
            String name = " of part " + chunks.size() + ", slot ";
            for (int s = 0; s < slots; s++) {
                int slot = s;
                forwards.add(graphs.part("forward" + name + s, needed -> stage.forward(slot, needed)));
                firstBackwards.add(graphs.part("first backward" + name + s, ready -> stage.backward(slot, true, ready)));
                backwards.add(graphs.part("backward" + name + s, ready -> stage.backward(slot, false, ready)));
            }
        }

        @Override
        public int slots() {
            return slots;
        }

        @Override
        public boolean first() {
            return store.layout().stage().first();
        }

        @Override
        public boolean last() {
            return store.layout().stage().last();
        }

        @Override
        public Tensor input(int slot) {
            return stage.input(slot);
        }

        @Override
        public Tensor output(int slot) {
            return stage.output(slot);
        }

        @Override
        public Tensor outputGradient(int slot) {
            return stage.gradient(slot);
        }

        @Override
        public Tensor inputGradient(int slot) {
            return stage.gradient(slot);
        }

        @Override
        public void forward(int microBatch, int slot) {
            faults.dawdle(groups.rank(), feed.firstSample());
            phases.open("data");
            feed.read(stage, slot, microBatch, first(), last());
            phases.close();
            if (probe == null) {
                PassPhases.forward(phases, store.layout(), microBatch, forwards.get(slot), bucket -> gather.need(store, bucket));
            } else {
                probed(microBatch, slot);
            }
        }

        // Never from a recorded graph, which does not stop between layers.
        private void probed(int microBatch, int slot) {
            int first = store.layout().stage().firstLayer();
            stage.forward(slot, bucket -> {
                gather.need(store, bucket);
                if (probe.wants(microBatch)) {
                    int before = first + bucket - store.layout().layerBucket(first) - 1;
                    probe.layer(microBatch, before < 0 ? "output of embedding" : "output of layers." + before, stage.entering(slot, bucket));
                }
            });
            probe.end(microBatch, stage.output(slot));
            if (!last() && probe.wants(microBatch)) {
                probe.layer(microBatch, "output of layers." + (store.layout().stage().endLayer() - 1), List.of(stage.output(slot)));
            }
        }

        @Override
        public void backward(int microBatch, int slot, boolean lastOfStep) {
            MicroGraphs.Part part = (started ? backwards : firstBackwards).get(slot);
            PassPhases.backward(phases, store.layout(), microBatch, part, bucket -> {
                if (lastOfStep && config.ranks().overlapReduce()) {
                    reduce(bucket);
                }
            });
            started = true;
        }

        // What did not go behind the backward: the norm weights wait until the tensor group has summed them.
        private void reduceRest() {
            int norms = store.layout().normBucket();
            for (int bucket = config.ranks().overlapReduce() ? norms : 0; bucket <= norms; bucket++) {
                reduce(bucket);
            }
        }

        private void reduce(int bucket) {
            dataStream.waitFor(backend.computeStream());
            store.shards().reduceGradients(bucket, store.gradients(), dataStream);
        }
    }
}
