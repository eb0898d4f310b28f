package org.longhaul.ops;

import ai.djl.ndarray.NDArray;
import org.longhaul.natives.Aten;
import org.longhaul.natives.Scope;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/** The portable loss head: softmax cross-entropy over the last dimension with optional z-loss, gradient in place. */
final class CrossEntropy {
    private CrossEntropy() {}

    static void withGradient(
            Aten a, Scope s, Tensor loss, Tensor logits, Tensor targets, Tensor gradientScale, double zLoss, int ignoreIndex,
            Tensor zLossSum) {
        Columns target = Columns.of(a, s, targets, 0, logits.size(1));
        NDArray validC1 = valid(a, s, targets, ignoreIndex);
        NDArray logitsCV = s.of(logits);
        NDArray xCV = a.to(logitsCV, DType.F32);
        NDArray targetLogitC1 = a.gather(xCV, target.index());
        a.logSoftmax(xCV, xCV);
        NDArray logProbabilityC1 = a.gather(xCV, target.index());
        a.mul(column(s, loss), a.mul(logProbabilityC1, s.scalar(-1)), validC1);
        NDArray lseC1 = a.sub(targetLogitC1, logProbabilityC1);
        a.expi(xCV);
        gradient(a, s, xCV, target, lseC1, validC1, gradientScale, zLoss, zLossSum);
        store(a, logits, logitsCV, xCV);
    }

    static void lossOnly(Aten a, Scope s, Tensor loss, Tensor logits, Tensor targets, int ignoreIndex) {
        Columns target = Columns.of(a, s, targets, 0, logits.size(1));
        NDArray xCV = a.to(s.of(logits), DType.F32);
        NDArray logSoftmaxCV = s.empty(DType.F32, logits.size(0), logits.size(1));
        a.logSoftmax(logSoftmaxCV, xCV);
        NDArray negatedC1 = a.mul(a.gather(logSoftmaxCV, target.index()), s.scalar(-1));
        a.mul(column(s, loss), negatedC1, valid(a, s, targets, ignoreIndex));
    }

    static void statistics(
            Aten a, Scope s, Tensor max, Tensor sumExp, Tensor target, Tensor logits, Tensor targets, long firstColumn) {
        Columns here = Columns.of(a, s, targets, firstColumn, logits.size(1));
        NDArray xCV = a.to(s.of(logits), DType.F32);
        NDArray maxC1 = a.max(xCV, 1);
        a.copy(column(s, max), maxC1);
        NDArray shiftedCV = a.sub(xCV, maxC1);
        a.expi(shiftedCV);
        a.copy(column(s, sumExp), a.sum(shiftedCV, 1, true));
        a.mul(column(s, target), a.gather(xCV, here.index()), here.mask());
    }

    static void fromStatistics(
            Aten a, Scope s, Tensor loss, Tensor logits, Tensor max, Tensor sumExp, Tensor target, Tensor targets,
            long firstColumn, Tensor gradientScale, double zLoss, int ignoreIndex, Tensor zLossSum) {
        Columns here = Columns.of(a, s, targets, firstColumn, logits.size(1));
        NDArray validC1 = valid(a, s, targets, ignoreIndex);
        NDArray lseC1 = a.log(column(s, sumExp));
        a.addi(lseC1, column(s, max));
        a.mul(column(s, loss), a.sub(lseC1, column(s, target)), validC1);
        NDArray logitsCV = s.of(logits);
        NDArray xCV = a.to(logitsCV, DType.F32);
        a.subi(xCV, lseC1);
        a.expi(xCV);
        gradient(a, s, xCV, here, lseC1, validC1, gradientScale, zLoss, zLossSum);
        store(a, logits, logitsCV, xCV);
    }

    // Probabilities become gradientScale · valid · (p · (1 + 2·zLoss·lse) − onehot).
    private static void gradient(
            Aten a, Scope s, NDArray pCV, Columns target, NDArray lseC1, NDArray validC1, Tensor gradientScale, double zLoss,
            Tensor zLossSum) {
        NDArray scaleC1 = a.mul(validC1, PortableOps.element(s, gradientScale, 0));
        NDArray onehotC1 = a.mul(a.mul(scaleC1, target.mask()), s.scalar(-1));
        if (zLoss != 0) {
            NDArray factorC1 = a.mul(lseC1, s.scalar(2 * zLoss));
            a.addi(factorC1, s.scalar(1));
            a.muli(scaleC1, factorC1);
        }
        a.muli(pCV, scaleC1);
        a.scatterAdd(pCV, 1, target.index(), onehotC1);
        if (zLossSum != null) {
            NDArray squared = a.mul(a.mul(lseC1, lseC1), validC1);
            a.addi(s.of(zLossSum, 0, new long[] {1, 1}, new long[] {1, 1}), a.sum(squared, 0, true));
        }
    }

    private static NDArray valid(Aten a, Scope s, Tensor targets, int ignoreIndex) {
        long n = targets.elements();
        NDArray idC1 = a.to(s.of(targets, 0, new long[] {n, 1}, new long[] {1, 1}), DType.F32);
        return a.to(a.ne(idC1, s.scalar(ignoreIndex)), DType.F32);
    }

    private static void store(Aten a, Tensor logits, NDArray logitsCV, NDArray xCV) {
        if (logits.dtype() != DType.F32) {
            a.copy(logitsCV, xCV);
        }
    }

    private static NDArray column(Scope s, Tensor x) {
        return s.of(x, 0, new long[] {x.elements(), 1}, new long[] {1, 1});
    }
}
