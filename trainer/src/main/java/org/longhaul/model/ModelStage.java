package org.longhaul.model;

import static org.longhaul.model.SequenceSplit.cut;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import org.longhaul.ops.AttentionShape;
import org.longhaul.ops.DocumentIndex;
import org.longhaul.ops.Ops;
import org.longhaul.parallel.Communicator;
import org.longhaul.parallel.ReduceOp;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Backend.Stream;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/**
 * The layers of one pipeline stage with their activations; a model on one rank is one stage. Several micro-batches may be in
 * flight, each in its slot. The caller fills {@link #tokens} or {@link #input} and on the last stage {@link #targets}, calls
 * {@link #forward}, and later {@link #backward}, which adds to the parameters' gradients. The loss head runs at the start of the
 * backward of the last stage, so that no gradient waits between the two.
 */
public final class ModelStage implements AutoCloseable {
    private final Backend backend;
    private final Ops ops;
    private final Communicator group;
    private final Stream stream;
    private final StageRange range;
    private final BatchShape shape;
    private final ParameterStore parameters;
    private final ActivationPlan plan;
    private final ActivationPlan.Memory memory;
    private final Rotary rotary;
    private final SequenceSplit split;
    private final Arena scalars;
    private final Tensor gradientScale;
    private final Tensor lossSum;
    private final Tensor zLossSum;
    private final List<DecoderBlock> blocks = new ArrayList<>();
    private final Slot[] slots;
    private final DecoderBlock.Scratch scratch;
    private final Tensor wide;
    private final Tensor addedGradients;
    private final Tensor wideLocal;
    private final LossHead head;
    private final DocumentIndex documentIndex;

    /** The views of one micro-batch in flight. */
    private record Slot(
            Tensor tokens, Tensor documents, Tensor targets, Tensor loss, Tensor output, Tensor gradient, List<BlockBuffers> forward,
            List<BlockBuffers> backward) {}

    /**
     * Settings of a stage.
     *
     * @param slots micro-batches in flight
     * @param lossChunk tokens per chunk of the loss head
     * @param zLoss weight of the squared log-partition term, 0 for none
     * @param training false for the forward pass alone
     * @param fp8 whether the decoder layers' matrix products are done in 8-bit floats
     * @param tensorChunks parts that tensor-parallel products and collectives are cut into to run beside each other; 1 for neither
     * @param documentMask whether tokens attend within their document only, which {@link ModelStage#documents} then tells
     */
    public record Options(
            Recompute recompute, int slots, long lossChunk, double zLoss, boolean training, boolean fp8, int tensorChunks, boolean documentMask) {
        /** Everything in the compute type. */
        public Options(Recompute recompute, int slots, long lossChunk, double zLoss, boolean training) {
            this(recompute, slots, lossChunk, zLoss, training, false);
        }

        /** Collectives on the compute stream. */
        public Options(Recompute recompute, int slots, long lossChunk, double zLoss, boolean training, boolean fp8) {
            this(recompute, slots, lossChunk, zLoss, training, fp8, 1, false);
        }

        /** The same with or without the mask of documents. */
        public Options masking(boolean documents) {
            return new Options(recompute, slots, lossChunk, zLoss, training, fp8, tensorChunks, documents);
        }
    }

    /** Builds the stage over parameters whose layout has the same range and tensor-parallel split. */
    public ModelStage(
            Backend backend, ParameterStore parameters, int batch, int sequence, Options options, Communicator tensorGroup) {
        ParameterLayout layout = parameters.layout();
        ModelConfig config = layout.config();
        this.backend = backend;
        this.ops = backend.ops();
        this.group = tensorGroup;
        this.stream = backend.computeStream();
        this.range = layout.stage();
        this.shape = new BatchShape(batch, sequence, tensorGroup.rank(), tensorGroup.size());
        this.parameters = parameters;
        this.plan = plan(config, range, shape, options, backend.computeType());
        this.memory = plan.allocate(backend);
        this.rotary = new Rotary(backend, sequence, config.headDim(), config.ropeTheta());
        this.scalars = backend.allocate("step scalars", 3 * Arena.ALIGNMENT);
        this.gradientScale = scalars.tensor("gradient scale", 0, DType.F32, 1);
        this.lossSum = scalars.tensor("loss sum", Arena.ALIGNMENT, DType.F32, 1);
        this.zLossSum = scalars.tensor("z loss sum", 2 * Arena.ALIGNMENT, DType.F32, 1);
        this.addedGradients =
                options.training() ? parameters.gradients().slice(layout.decayed(), layout.elements()) : null;
        this.wide = optional(0, "wide");
        this.wideLocal = BlockBuffers.local(optional(0, "wide_local"), wide, shape);
        this.split = new SequenceSplit(backend, group, shape, options.tensorChunks());
        AttentionShape attention = config.attention(shape);
        this.documentIndex = new DocumentIndex(attention);
        Ops layerOps = options.fp8() ? ops.inFp8() : ops;
        for (int layer = range.firstLayer(); layer < range.endLayer(); layer++) {
            blocks.add(new DecoderBlock(
                    layerOps, split, attention, rotary, config.normEps(), options.recompute(), weights(layer, false),
                    options.training() ? weights(layer, true) : null));
        }
        this.slots = new Slot[options.slots()];
        for (int i = 0; i < slots.length; i++) {
            slots[i] = slot(i, options.training());
        }
        this.scratch = options.training() ? scratch() : null;
        this.head = range.last() ? head(config, options) : null;
    }

    /** The plan of a stage's activations; needs no device. */
    public static ActivationPlan plan(
            ModelConfig config, StageRange range, BatchShape shape, Options options, DType computeType) {
        return StagePlan.of(
                config, range, shape, options.recompute(), computeType, options.slots(), options.lossChunk(), options.training(),
                options.tensorChunks(), options.documentMask());
    }

    /** The stage's parameters. */
    public ParameterStore parameters() {
        return parameters;
    }

    /** Token ids of a slot, I32 [T]; first stage only. */
    public Tensor tokens(int slot) {
        return slots[slot].tokens;
    }

    /** How {@link #documents} is laid out. */
    public DocumentIndex documentIndex() {
        return documentIndex;
    }

    /** Where documents begin in a slot's sequences, as {@link #documentIndex} says, I32; on every stage, null without the mask. */
    public Tensor documents(int slot) {
        return slots[slot].documents;
    }

    /** Next token ids of a slot, I32 [T]; those equal to −100 do not count. Last stage only. */
    public Tensor targets(int slot) {
        return slots[slot].targets;
    }

    /** The boundary tensor [L,D] that a later stage receives before {@link #forward}. */
    public Tensor input(int slot) {
        return slots[slot].forward.get(0).x1();
    }

    /**
     * Inside {@code needed} of {@link #forward}: what the layer before a bucket left, as [L,D] tensors whose sum it is; empty for the first
     * bucket of the first stage.
     */
    public List<Tensor> entering(int slot, int bucket) {
        ParameterLayout layout = parameters.layout();
        Slot s = slots[slot];
        if (range.last() && bucket == layout.headBucket()) {
            return List.of(s.output);
        }
        int layer = bucket - layout.layerBucket(range.firstLayer());
        if (layer < 0) {
            return List.of();
        }
        return layer == 0 || DecoderBlock.addsResiduals(group.size()) ? List.of(s.forward.get(layer).x1())
                : List.of(s.forward.get(layer - 1).x2(), wideLocal);
    }

    /** The boundary tensor [L,D] that {@link #forward} leaves for the next stage. */
    public Tensor output(int slot) {
        return slots[slot].output;
    }

    /** [L,D]: an earlier stage receives the gradient of its output here; {@link #backward} leaves that of its input. */
    public Tensor gradient(int slot) {
        return slots[slot].gradient;
    }

    /** Loss of every token of the slot's last backward or {@link #loss}, F32 [T], in nats; last stage only. */
    public Tensor losses(int slot) {
        return slots[slot].loss;
    }

    /** What the loss gradient of each token is multiplied with: 1 over the tokens of the whole global batch; F32 [1]. */
    public Tensor gradientScale() {
        return gradientScale;
    }

    /** Running sum of token losses since the caller last zeroed it, F32 [1]. */
    public Tensor lossSum() {
        return lossSum;
    }

    /** Running sum of squared log-partitions since the caller last zeroed it, F32 [1]. */
    public Tensor zLossSum() {
        return zLossSum;
    }

    /** Runs the layers on a slot and returns its {@link #output}. */
    public Tensor forward(int slot) {
        return forward(slot, bucket -> {});
    }

    /**
     * Runs the layers on a slot and returns its {@link #output}.
     *
     * @param needed told each bucket of the layout just before the first work that reads its weights is enqueued
     */
    public Tensor forward(int slot, IntConsumer needed) {
        Slot s = slots[slot];
        ParameterLayout layout = parameters.layout();
        if (range.first()) {
            needed.accept(layout.embeddingBucket());
            embed(s);
        }
        boolean whole = DecoderBlock.addsResiduals(group.size());
        Tensor x = null;
        for (int i = 0; i < blocks.size(); i++) {
            needed.accept(layout.layerBucket(range.firstLayer() + i));
            BlockBuffers b = s.forward.get(i);
            if (whole) {
                blocks.get(i).forward(b, null, null, i + 1 < blocks.size() ? s.forward.get(i + 1).x1() : s.output);
            } else {
                blocks.get(i).forward(b, x, x == null ? null : wideLocal, null);
                x = b.x2();
            }
        }
        if (!whole) {
            ops.add(s.output, x, wideLocal);
        }
        if (range.last()) {
            needed.accept(layout.headBucket());
        }
        return s.output;
    }

    /**
     * Mirror of {@link #forward}; returns {@link #gradient}, which is of no use on the first stage.
     *
     * @param firstOfStep whether this is the first micro-batch of a step, whose matrix gradients replace what the arena held
     * @param ready told each bucket of the layout whose gradients this micro-batch has completed, as soon as it has
     */
    public Tensor backward(int slot, boolean firstOfStep, IntConsumer ready) {
        Slot s = slots[slot];
        Tensor dx_LD = s.gradient;
        ParameterLayout layout = parameters.layout();
        if (firstOfStep) {
            // What is added to, whatever comes first: norm weights and the embedding.
            backend.zero(addedGradients);
            if (range.first()) {
                backend.zero(parameters.gradient("embedding"));
            }
        }
        if (range.last()) {
            head.lossAndGradient(s.loss, dx_LD, s.output, s.targets, !firstOfStep);
            ops.sum(lossSum, s.loss);
            ready.accept(layout.headBucket());
        }
        for (int i = blocks.size() - 1; i >= 0; i--) {
            blocks.get(i).backward(dx_LD, s.backward.get(i), scratch, !firstOfStep);
            ready.accept(layout.layerBucket(range.firstLayer() + i));
        }
        if (range.first()) {
            embedBackward(s, dx_LD);
            ready.accept(layout.embeddingBucket());
        }
        return dx_LD;
    }

    /** After {@link #forward} on the last stage: fills {@link #losses} and adds to {@link #lossSum}; no gradients. */
    public Tensor loss(int slot) {
        Slot s = slots[slot];
        head.loss(s.loss, s.output, s.targets);
        ops.sum(lossSum, s.loss);
        return s.loss;
    }

    /**
     * After {@link #forward} on the last stage: logits [n,V] of tokens {@code from} to {@code to}, at most one loss chunk, this
     * rank's slice of the vocabulary; valid until the next call.
     */
    public Tensor logits(int slot, long from, long to) {
        return head.logits(slots[slot].output, from, to);
    }

    /** Sums the norm weights' gradients over the tensor-parallel group, whose ranks saw different tokens; once a step. */
    public void finishGradients() {
        if (group.size() > 1) {
            group.allReduce(addedGradients, ReduceOp.SUM, stream);
        }
    }

    private void embed(Slot s) {
        Tensor x_LD = s.forward.get(0).x1();
        Tensor weight = parameters.weight("embedding");
        if (group.size() == 1) {
            ops.embedding(x_LD, weight, s.tokens, 0);
        } else {
            long firstRow = group.rank() * weight.size(0);
            split.reduce(x_LD, wide, (from, to) -> ops.embedding(cut(wide, from, to), weight, cut(s.tokens, from, to), firstRow));
        }
    }

    private void embedBackward(Slot s, Tensor dx_LD) {
        Tensor gradient = parameters.gradient("embedding");
        if (group.size() == 1) {
            ops.embeddingBackward(gradient, dx_LD, s.tokens, 0);
        } else {
            split.gathering(scratch.gathered(), dx_LD).upTo(shape.tokens());
            ops.embeddingBackward(gradient, scratch.gathered(), s.tokens, group.rank() * gradient.size(0));
        }
    }

    private DecoderBlock.Weights weights(int layer, boolean gradients) {
        String p = "layers." + layer + ".";
        return new DecoderBlock.Weights(
                parameter(p + "attention_norm", gradients), parameter(p + "qkv", gradients), parameter(p + "out", gradients),
                parameter(p + "ffn_norm", gradients), parameter(p + "gate_up", gradients), parameter(p + "down", gradients));
    }

    private Tensor parameter(String name, boolean gradient) {
        return gradient ? parameters.gradient(name) : parameters.weight(name);
    }

    private Slot slot(int slot, boolean training) {
        List<BlockBuffers> forward = new ArrayList<>();
        List<BlockBuffers> backward = new ArrayList<>();
        for (int layer = range.firstLayer(); layer < range.endLayer(); layer++) {
            String kept = "layers." + layer + ".";
            forward.add(BlockBuffers.of(name -> buffer(slot, kept, "f.", name), shape));
            if (training) {
                backward.add(BlockBuffers.of(name -> buffer(slot, kept, "b.", name), shape));
            }
        }
        return new Slot(
                optional(slot, "tokens"), optional(slot, "documents"), optional(slot, "targets"), optional(slot, "loss"), optional(slot, "output"),
                optional(slot, "gradient"), forward, backward);
    }

    private Tensor buffer(int slot, String kept, String scratchPrefix, String name) {
        if (plan.has(kept + name)) {
            return memory.tensor(slot, kept + name);
        }
        String shared = plan.has(scratchPrefix + name) ? scratchPrefix + name : name;
        return shared.endsWith("_local") || shared.endsWith("wide") || shared.equals("documents") ? optional(slot, shared) : memory.tensor(slot, shared);
    }

    private Tensor optional(int slot, String name) {
        return plan.has(name) ? memory.tensor(slot, name) : null;
    }

    private DecoderBlock.Scratch scratch() {
        Tensor dWide = memory.tensor(0, "b.dwide");
        return new DecoderBlock.Scratch(
                optional(0, "b.gathered"), memory.tensor(0, "b.dh"), dWide,
                BlockBuffers.local(optional(0, "b.dwide_local"), dWide, shape),
                memory.tensor(0, "b.dattention"), memory.tensor(0, "b.dqkv"));
    }

    private LossHead head(ModelConfig config, Options options) {
        boolean training = options.training();
        Tensor normed = memory.tensor(0, "head.normed");
        Tensor dNormed = optional(0, "head.dnormed");
        return new LossHead(
                ops, split,
                new LossHead.Parameters(
                        parameters.weight("norm"), parameters.weight("head"), training ? parameters.gradient("norm") : null,
                        training ? parameters.gradient("head") : null, gradientScale, zLossSum),
                config.normEps(), options.zLoss(), shape,
                new LossHead.Buffers(
                        memory.tensor(0, "head.rstd"), normed, BlockBuffers.local(optional(0, "head.normed_local"), normed, shape),
                        dNormed,
                        training ? BlockBuffers.local(optional(0, "head.dnormed_local"), dNormed, shape) : null,
                        memory.tensor(0, "head.logits"), optional(0, "head.max"), optional(0, "head.global_max"),
                        optional(0, "head.sum"), optional(0, "head.target")));
    }

    @Override
    public void close() {
        backend.synchronize();
        memory.close();
        rotary.close();
        scalars.close();
    }
}
