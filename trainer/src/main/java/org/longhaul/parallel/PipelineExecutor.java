package org.longhaul.parallel;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.longhaul.parallel.PipelineSchedule.Action;
import org.longhaul.parallel.PipelineSchedule.Forward;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Backend.Stream;
import org.longhaul.tensor.Tensor;

/**
 * Runs one rank's part of a pipelined step: follows the {@link PipelineSchedule}, moves boundary activations and their gradients
 * over the links, and gives each micro-batch in flight a slot of its stage's buffers. Without pipeline parallelism it is plain
 * gradient accumulation.
 */
public final class PipelineExecutor {
    private final Backend backend;
    private final PipelineSchedule schedule;
    private final List<? extends Stage> chunks;
    private final MeshGroups.Links links;
    private final Stream forwardIn;
    private final Stream forwardOut;
    private final Stream backwardIn;
    private final Stream backwardOut;

    /**
     * Prepares the rank of {@code groups}.
     *
     * @param chunks this rank's virtual stages, in order; chunk c is global stage {@code c · P + p}
     * @param microBatches per step
     */
    public PipelineExecutor(Backend backend, MeshGroups groups, List<? extends Stage> chunks, int microBatches) {
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
        boolean pipelined = links != null;
        this.forwardIn = pipelined ? backend.newStream("pipeline forward in") : null;
        this.forwardOut = pipelined ? backend.newStream("pipeline forward out") : null;
        this.backwardIn = pipelined ? backend.newStream("pipeline backward in") : null;
        this.backwardOut = pipelined ? backend.newStream("pipeline backward out") : null;
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

    /** What has to be planned for: slots of each chunk. */
    public List<Integer> inFlight() {
        return schedule.inFlight();
    }

    /** Runs all micro-batches of one step. */
    public void run() {
        List<Deque<Integer>> free = new ArrayList<>();
        List<Map<Integer, Integer>> slotOf = new ArrayList<>();
        int[] backwardsLeft = new int[chunks.size()];
        for (Stage chunk : chunks) {
            Deque<Integer> slots = new ArrayDeque<>();
            for (int s = 0; s < chunk.slots(); s++) {
                slots.add(s);
            }
            free.add(slots);
            slotOf.add(new HashMap<>());
        }
        for (Action action : schedule.actions()) {
            if (action instanceof Forward) {
                backwardsLeft[action.chunk()]++;
            }
        }
        for (Action action : schedule.actions()) {
            int c = action.chunk();
            if (action instanceof Forward) {
                int slot = free.get(c).remove();
                slotOf.get(c).put(action.microBatch(), slot);
                forward(chunks.get(c), action.microBatch(), slot);
            } else {
                int slot = slotOf.get(c).remove(action.microBatch());
                backward(chunks.get(c), action.microBatch(), slot, --backwardsLeft[c] == 0);
                free.get(c).add(slot);
            }
        }
        if (links != null) {
            // Buffers that are still on their way must not be written by the next step.
            backend.computeStream().waitFor(forwardOut);
            backend.computeStream().waitFor(backwardOut);
        }
    }

    private void forward(Stage stage, int microBatch, int slot) {
        Stream compute = backend.computeStream();
        if (!stage.first()) {
            forwardIn.waitFor(compute);
            links.forwardIn().receive(stage.input(slot), 0, forwardIn);
            compute.waitFor(forwardIn);
        }
        if (links != null) {
            // The slot's former input gradient and output may still be read by their sends.
            compute.waitFor(backwardOut);
            compute.waitFor(forwardOut);
        }
        stage.forward(microBatch, slot);
        if (!stage.last()) {
            forwardOut.waitFor(compute);
            links.forwardOut().send(stage.output(slot), 1, forwardOut);
        }
    }

    private void backward(Stage stage, int microBatch, int slot, boolean lastOfStep) {
        Stream compute = backend.computeStream();
        if (!stage.last()) {
            backwardIn.waitFor(compute);
            links.backwardIn().receive(stage.outputGradient(slot), 0, backwardIn);
            compute.waitFor(backwardIn);
        }
        stage.backward(microBatch, slot, lastOfStep);
        if (!stage.first()) {
            backwardOut.waitFor(compute);
            links.backwardOut().send(stage.inputGradient(slot), 1, backwardOut);
        }
    }
}
