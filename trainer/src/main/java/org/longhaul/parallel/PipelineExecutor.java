package org.longhaul.parallel;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.longhaul.parallel.PipelineSchedule.Action;
import org.longhaul.parallel.PipelineSchedule.Forward;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Backend.Mark;
import org.longhaul.tensor.Backend.Stream;
import org.longhaul.tensor.Tensor;

/**
 * Runs one rank's part of a pipelined step: follows the {@link PipelineSchedule}, moves boundary activations and their gradients
 * over the links, and gives each micro-batch in flight a slot of its stage's buffers. Without pipeline parallelism it is plain
 * gradient accumulation.
 *
 * <p>Each direction of each link has a stream and a communicator of its own, on which every rank enqueues the micro-batches in the
 * order of the schedule, so that sends that wait for their receive (NCCL's do) cannot wait in a circle. Sends run behind the
 * computation; only what overwrites their buffer waits for them. With {@code ahead} the next receive of each direction is posted
 * before the current micro-batch is computed: activations into a buffer of their own, as all slots may be taken, and gradients
 * straight into their slot. Not in the first step: there kernels are loaded and products tuned, for which the device may wait for all
 * its streams, and a receive that is under way ahead of its time waits for a neighbour that waits for this rank.
 */
public final class PipelineExecutor implements AutoCloseable {
    private final Backend backend;
    private final PipelineSchedule schedule;
    private final List<? extends Stage> chunks;
    private final MeshGroups.Links links;
    private final List<Turn> turns = new ArrayList<>();
    private final List<Turn> forwardReceives;
    private final List<Turn> backwardReceives;
    private final Stream forwardIn;
    private final Stream forwardOut;
    private final Stream backwardIn;
    private final Stream backwardOut;
    private final Mark[][] outputSent;
    private final Mark[][] gradientFree;
    private final Arena arena;
    private final Tensor arrival;
    private final Mark arrivalFree;
    private int forwardsPosted;
    private final boolean wanted;
    private boolean ahead;
    private boolean warm;
    private int backwardsPosted;

    /** One action with what follows from the order: its slot, and for a backward whether it is the chunk's last of the step. */
    private record Turn(int index, Stage stage, int chunk, int microBatch, boolean forward, int slot, boolean last, int forwardIndex) {}

    /**
     * Prepares the rank of {@code groups}.
     *
     * @param chunks this rank's virtual stages, in order; chunk c is global stage {@code c · P + p}
     * @param microBatches per step
     * @param ahead whether receives are posted ahead, for which one boundary tensor is allocated
     */
    public PipelineExecutor(Backend backend, MeshGroups groups, List<? extends Stage> chunks, int microBatches, boolean ahead) {
        this.backend = backend;
        this.chunks = List.copyOf(chunks);
        this.schedule = PipelineSchedule.of(groups.mesh().pipeline(), groups.stage(), chunks.size(), microBatches);
        this.links = groups.links().orElse(null);
        for (int c = 0; c < chunks.size(); c++) {
            if (chunks.get(c).slots() < schedule.inFlight().get(c)) {
                throw new IllegalArgumentException("chunk " + c + " has " + chunks.get(c).slots() + " slots, the schedule needs "
                        + schedule.inFlight().get(c));
            }
        }
        plan();
        this.forwardReceives = turns.stream().filter(t -> t.forward && !t.stage.first()).toList();
        this.backwardReceives = turns.stream().filter(t -> !t.forward && !t.stage.last()).toList();
        boolean pipelined = links != null;
        this.forwardIn = pipelined ? backend.newCommunicationStream("pipeline forward in") : null;
        this.forwardOut = pipelined ? backend.newCommunicationStream("pipeline forward out") : null;
        this.backwardIn = pipelined ? backend.newCommunicationStream("pipeline backward in") : null;
        this.backwardOut = pipelined ? backend.newCommunicationStream("pipeline backward out") : null;
        this.outputSent = marks(stage -> forwardOut);
        this.gradientFree = marks(stage -> stage.first() ? backend.computeStream() : backwardOut);
        boolean arrives = ahead && !forwardReceives.isEmpty();
        Tensor boundary = arrives ? forwardReceives.get(0).stage.input(0) : null;
        this.arena = arrives ? backend.allocate("pipeline arrivals", boundary.bytes()) : null;
        this.arrival = arrives ? arena.tensor("pipeline arrival", 0, boundary.dtype(), boundary.shape()) : null;
        this.arrivalFree = arrives ? backend.computeStream().newMark() : null;
        this.wanted = ahead && pipelined;
    }

    private void plan() {
        List<Deque<Integer>> free = new ArrayList<>();
        List<Map<Integer, Turn>> forwards = new ArrayList<>();
        int[] backwardsLeft = new int[chunks.size()];
        for (Stage chunk : chunks) {
            Deque<Integer> slots = new ArrayDeque<>();
            for (int s = 0; s < chunk.slots(); s++) {
                slots.add(s);
            }
            free.add(slots);
            forwards.add(new HashMap<>());
        }
        for (Action action : schedule.actions()) {
            if (action instanceof Forward) {
                backwardsLeft[action.chunk()]++;
            }
        }
        for (Action action : schedule.actions()) {
            int c = action.chunk();
            int m = action.microBatch();
            if (action instanceof Forward) {
                Turn turn = new Turn(turns.size(), chunks.get(c), c, m, true, free.get(c).remove(), false, turns.size());
                forwards.get(c).put(m, turn);
                turns.add(turn);
            } else {
                Turn before = forwards.get(c).remove(m);
                turns.add(new Turn(turns.size(), chunks.get(c), c, m, false, before.slot, --backwardsLeft[c] == 0, before.index));
                free.get(c).add(before.slot);
            }
        }
    }

    private Mark[][] marks(Function<Stage, Stream> of) {
        Mark[][] marks = new Mark[chunks.size()][];
        for (int c = 0; c < marks.length; c++) {
            marks[c] = new Mark[links == null ? 0 : chunks.get(c).slots()];
            for (int s = 0; s < marks[c].length; s++) {
                marks[c][s] = of.apply(chunks.get(c)).newMark();
            }
        }
        return marks;
    }

    /** A part of the model between two boundaries, with buffers for some micro-batches at once. */
    public interface Stage {
        /** How many micro-batches may be between forward and backward. */
        int slots();

        /** Whether it starts from tokens. */
        boolean first();

        /** Whether it ends in the loss. */
        boolean last();

        /** Where the previous stage's activations go; unused when {@link #first}. */
        Tensor input(int slot);

        /** What the next stage needs; unused when {@link #last}. */
        Tensor output(int slot);

        /** Where the gradient of {@link #output} goes; unused when {@link #last}. */
        Tensor outputGradient(int slot);

        /** The gradient of {@link #input}, what the previous stage needs; unused when {@link #first}. */
        Tensor inputGradient(int slot);

        /** Runs a micro-batch forward, from {@link #input} (or its tokens) to {@link #output} (or its loss). */
        void forward(int microBatch, int slot);

        /** Runs it backward; {@code lastOfStep} tells that this chunk's gradients are complete afterwards. */
        void backward(int microBatch, int slot, boolean lastOfStep);
    }

    /** Runs all micro-batches of one step. */
    public void run() {
        forwardsPosted = 0;
        backwardsPosted = 0;
        ahead = wanted && warm;
        if (ahead) {
            postForward(1);
        }
        for (Turn turn : turns) {
            if (turn.forward) {
                forward(turn);
            } else {
                backward(turn);
            }
        }
        warm = true;
        if (links != null) {
            // Whoever uses the buffers next, a validation for instance, knows nothing of these streams.
            backend.computeStream().waitFor(forwardOut);
            backend.computeStream().waitFor(backwardOut);
        }
    }

    private void forward(Turn turn) {
        Stream compute = backend.computeStream();
        Stage stage = turn.stage;
        if (!stage.first()) {
            if (!ahead) {
                forwardIn.waitFor(compute);
                links.forwardIn().receive(stage.input(turn.slot), 0, forwardIn);
                compute.waitFor(forwardIn);
            } else {
                compute.waitFor(forwardIn);
                backend.copy(stage.input(turn.slot), arrival);
                arrivalFree.set();
                postForward(forwardsPosted + 1);
            }
        }
        if (ahead) {
            postBackward(turn.index);
        }
        if (links != null && !stage.last()) {
            compute.waitFor(outputSent[turn.chunk][turn.slot]);
        }
        stage.forward(turn.microBatch, turn.slot);
        if (!stage.last()) {
            forwardOut.waitFor(compute);
            links.forwardOut().send(stage.output(turn.slot), 1, forwardOut);
            outputSent[turn.chunk][turn.slot].set();
        }
    }

    private void backward(Turn turn) {
        Stream compute = backend.computeStream();
        Stage stage = turn.stage;
        if (!stage.last()) {
            if (backwardsPosted == 0 || backwardReceives.get(backwardsPosted - 1).index < turn.index) {
                postBackward(turn);
            }
            compute.waitFor(backwardIn);
        }
        if (ahead) {
            postBackward(turn.index);
        }
        if (links != null) {
            compute.waitFor(gradientFree[turn.chunk][turn.slot]);
        }
        stage.backward(turn.microBatch, turn.slot, turn.last);
        if (!stage.first()) {
            backwardOut.waitFor(compute);
            links.backwardOut().send(stage.inputGradient(turn.slot), 1, backwardOut);
        }
        if (links != null) {
            gradientFree[turn.chunk][turn.slot].set();
        }
    }

    // Up to the n-th receive of the step; the buffer must have been copied from.
    private void postForward(int n) {
        if (arrival != null && forwardsPosted < Math.min(n, forwardReceives.size())) {
            forwardsPosted++;
            forwardIn.waitFor(arrivalFree);
            links.forwardIn().receive(arrival, 0, forwardIn);
        }
    }

    // The next receive behind the turn, if no other is under way and its slot is taken already.
    private void postBackward(int now) {
        boolean idle = backwardsPosted == 0 || backwardReceives.get(backwardsPosted - 1).index <= now;
        if (idle && backwardsPosted < backwardReceives.size() && backwardReceives.get(backwardsPosted).forwardIndex < now) {
            postBackward(backwardReceives.get(backwardsPosted));
        }
    }

    private void postBackward(Turn turn) {
        backwardsPosted++;
        // Free since the slot's last gradient was used and sent, which the marks of earlier steps say too.
        backwardIn.waitFor(gradientFree[turn.chunk][turn.slot]);
        links.backwardIn().receive(turn.stage.outputGradient(turn.slot), 0, backwardIn);
    }

    @Override
    public void close() {
        for (Mark[][] marks : List.of(outputSent, gradientFree)) {
            for (Mark[] slots : marks) {
                for (Mark mark : slots) {
                    mark.close();
                }
            }
        }
        if (arena != null) {
            arrivalFree.close();
            arena.close();
        }
    }
}
