package org.longhaul.model;

import org.longhaul.ops.Ops;
import org.longhaul.parallel.Communicator;
import org.longhaul.parallel.ReduceOp;
import org.longhaul.tensor.Backend.Stream;
import org.longhaul.tensor.Tensor;

/**
 * Final norm, output projection and cross-entropy in chunks of tokens, so that no more than one chunk of logits ever exists;
 * the gradient overwrites the logits. Under tensor parallelism each rank holds a slice of the vocabulary. C is a chunk, V this
 * rank's vocabulary, L and T as in {@link BlockBuffers}.
 */
final class LossHead {
    /** A target that does not count. */
    static final int IGNORE = -100;

    private final Ops ops;
    private final SequenceSplit split;
    private final Communicator group;
    private final Stream stream;
    private final Tensor normWeight;
    private final Tensor weight;
    private final Tensor normGradient;
    private final Tensor gradient;
    private final double eps;
    private final double zLoss;
    private final BatchShape shape;
    private final Buffers buffers;
    private final Tensor gradientScale;
    private final Tensor zLossSum;

    /** Scratch of the head; the four statistics are null in a group of one, dNormed and dNormedLocal without training. */
    record Buffers(
            Tensor rstd, Tensor normed, Tensor normedLocal, Tensor dNormed, Tensor dNormedLocal, Tensor logits, Tensor max,
            Tensor globalMax, Tensor sum, Tensor target) {}

    /** Weights and their gradients (null without training), and the device scalars of the step. */
    record Parameters(
            Tensor norm, Tensor weight, Tensor normGradient, Tensor gradient, Tensor gradientScale, Tensor zLossSum) {}

    LossHead(
            Ops ops, SequenceSplit split, Parameters p, double eps, double zLoss, BatchShape shape, Buffers buffers) {
        this.ops = ops;
        this.split = split;
        this.group = split.group();
        this.stream = split.compute();
        this.normWeight = p.norm;
        this.weight = p.weight;
        this.normGradient = p.normGradient;
        this.gradient = p.gradient;
        this.gradientScale = p.gradientScale;
        this.zLossSum = p.zLossSum;
        this.eps = eps;
        this.zLoss = zLoss;
        this.shape = shape;
        this.buffers = buffers;
    }

    /** loss[T] of every token and dx[L,D], the gradient of the stage's last sum x[L,D]; sets or adds to the weights' gradients. */
    void lossAndGradient(Tensor loss, Tensor dx, Tensor x, Tensor targets, boolean accumulate) {
        SequenceSplit.Arrival arrival = normed(x);
        SequenceSplit.Departure departure = split.reducing(buffers.dNormedLocal, buffers.dNormed);
        chunks((from, to) -> {
            arrival.upTo(to);
            Tensor normed_CD = buffers.normed.rows(from, to);
            Tensor logits_CV = logits(normed_CD);
            Tensor loss_C = loss.rows(from, to);
            Tensor targets_C = targets.rows(from, to);
            if (group.size() == 1) {
                ops.crossEntropy(loss_C, logits_CV, targets_C, gradientScale, zLoss, IGNORE, zLossSum);
            } else {
                globalLoss(loss_C, logits_CV, targets_C);
            }
            ops.linearBackwardInput(buffers.dNormed.rows(from, to), logits_CV, weight, false);
            departure.upTo(to);
            ops.linearBackwardWeight(gradient, logits_CV, normed_CD, accumulate || from > 0);
        });
        departure.finish();
        ops.rmsNormBackward(dx, normGradient, buffers.dNormedLocal, x, normWeight, buffers.rstd, null);
    }

    /** loss[T] alone, for validation. */
    void loss(Tensor loss, Tensor x, Tensor targets) {
        SequenceSplit.Arrival arrival = normed(x);
        chunks((from, to) -> {
            arrival.upTo(to);
            Tensor logits_CV = logits(buffers.normed.rows(from, to));
            Tensor loss_C = loss.rows(from, to);
            if (group.size() == 1) {
                ops.crossEntropyLoss(loss_C, logits_CV, targets.rows(from, to), IGNORE);
            } else {
                globalLoss(loss_C, logits_CV, targets.rows(from, to));
            }
        });
    }

    /** The logits [n,V] of tokens {@code from} to {@code to} (at most one chunk) of x[L,D], valid until the next call. */
    Tensor logits(Tensor x, long from, long to) {
        normed(x).upTo(shape.tokens());
        return logits(buffers.normed.rows(from, to));
    }

    private SequenceSplit.Arrival normed(Tensor x_LD) {
        ops.rmsNorm(buffers.normedLocal, buffers.rstd, x_LD, normWeight, eps);
        return split.gathering(buffers.normed, buffers.normedLocal);
    }

    private Tensor logits(Tensor normed_CD) {
        Tensor logits_CV = buffers.logits.rows(0, normed_CD.size(0));
        ops.linear(logits_CV, normed_CD, weight);
        return logits_CV;
    }

    // Two small all-reduces make maximum, sum of exponentials and target logit global.
    private void globalLoss(Tensor loss_C, Tensor logits_CV, Tensor targets_C) {
        long n = loss_C.size(0);
        long firstColumn = group.rank() * weight.size(0);
        Tensor max_C = buffers.max.rows(0, n);
        Tensor globalMax_C = buffers.globalMax.rows(0, n);
        Tensor sum_C = buffers.sum.rows(0, n);
        Tensor target_C = buffers.target.rows(0, n);
        ops.crossEntropyStatistics(max_C, sum_C, target_C, logits_CV, targets_C, firstColumn, IGNORE);
        ops.cast(globalMax_C, max_C);
        group.allReduce(globalMax_C, ReduceOp.MAX, stream);
        ops.rescaleSums(sum_C, max_C, globalMax_C);
        group.allReduce(sum_C, ReduceOp.SUM, stream);
        group.allReduce(target_C, ReduceOp.SUM, stream);
        ops.crossEntropyFromStatistics(
                loss_C, logits_CV, globalMax_C, sum_C, target_C, targets_C, firstColumn, gradientScale, zLoss, IGNORE, zLossSum);
    }

    private void chunks(Chunk chunk) {
        long size = buffers.logits.size(0);
        for (long from = 0; from < shape.tokens(); from += size) {
            chunk.run(from, Math.min(shape.tokens(), from + size));
        }
    }

    private interface Chunk {
        void run(long from, long to);
    }
}
