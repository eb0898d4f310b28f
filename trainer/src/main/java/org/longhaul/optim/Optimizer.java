package org.longhaul.optim;

import java.util.ArrayList;
import java.util.List;
import org.longhaul.model.ParameterStore;
import org.longhaul.ops.AdamWStep;
import org.longhaul.ops.Ops;
import org.longhaul.parallel.Communicator;
import org.longhaul.parallel.ShardedArena.Part;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/**
 * AdamW over the flat arenas of one rank: global norm, clip factor and finite flag stay on the device, each owned range is one
 * call. Gradients must already be summed over the data-parallel group in the owned parts.
 */
public final class Optimizer implements AutoCloseable {
    private final Ops ops;
    private final OptimizerConfig config;
    private final List<Range> ranges = new ArrayList<>();
    private final Arena arena;
    private final Tensor clip;
    private final boolean countsNorms;

    // The views of one contiguous owned range.
    private record Range(boolean decay, Tensor gradient, Tensor master, Tensor first, Tensor second, Tensor weights) {}

    /**
     * Prepares the update.
     *
     * @param stores the rank's parameters, one store a virtual stage
     * @param tensor the tensor-parallel group, whose ranks hold the norm weights alike
     */
    public Optimizer(Backend backend, List<ParameterStore> stores, OptimizerConfig config, Communicator tensor) {
        this.ops = backend.ops();
        this.config = config;
        this.countsNorms = tensor.rank() == 0;
        for (ParameterStore store : stores) {
            for (Part part : joined(store.shards().owned())) {
                long from = part.stateFrom();
                long to = from + part.elements();
                ranges.add(new Range(
                        part.decay(), store.gradients().slice(part.from(), part.to()), store.master().slice(from, to),
                        store.firstMoment().slice(from, to), store.secondMoment().slice(from, to),
                        store.weights().slice(part.from(), part.to())));
            }
        }
        arena = backend.allocate("optimizer scalars", Arena.ALIGNMENT);
        clip = arena.tensor("clip", 0, DType.F32, 3);
    }

    /** Adds this rank's share of the squared gradient norm to {@code out}; summed over all ranks it is the whole. */
    public void addSumOfSquares(Tensor out) {
        for (Range range : ranges) {
            if (range.decay || countsNorms) {
                ops.sumOfSquares(out, range.gradient);
            }
        }
    }

    /** Clip factor, norm and finite flag (F32 [3]) from the global sum of squares. */
    public Tensor clip(Tensor globalSumOfSquares) {
        ops.clipFactor(clip, globalSumOfSquares, config.clip());
        return clip;
    }

    /**
     * Updates master, moments and weights of the owned parts; nothing where the finite flag of {@link #clip} is 0.
     *
     * @param count of updates, this one included, for the moments' bias correction
     */
    public void step(double learningRate, long count) {
        for (Range range : ranges) {
            double decay = range.decay ? config.weightDecay() : 0;
            ops.adamW(
                    new AdamWStep(learningRate, config.beta1(), config.beta2(), config.epsilon(), decay, count),
                    range.master, range.gradient, range.first, range.second, range.weights, clip);
        }
    }

    // Parts that lie side by side in the arena and in the state become one call.
    private static List<Part> joined(List<Part> parts) {
        List<Part> out = new ArrayList<>();
        for (Part p : parts) {
            Part last = out.isEmpty() ? null : out.get(out.size() - 1);
            if (last != null && last.to() == p.from() && last.stateFrom() + last.elements() == p.stateFrom()
                    && last.decay() == p.decay()) {
                out.set(out.size() - 1, new Part(last.name(), last.from(), p.to(), last.stateFrom(), last.decay()));
            } else if (p.elements() > 0) {
                out.add(p);
            }
        }
        return out;
    }

    @Override
    public void close() {
        arena.close();
    }
}
