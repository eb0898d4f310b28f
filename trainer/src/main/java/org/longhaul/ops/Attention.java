package org.longhaul.ops;

import ai.djl.ndarray.NDArray;
import org.longhaul.natives.Aten;
import org.longhaul.natives.Scope;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/**
 * Portable rotary embedding and causal attention. On the CPU libtorch's flash kernel does the work; elsewhere the plain
 * formula over whole [S,S] score matrices. Suffixes: B batch, S sequence, H query heads, K key/value heads, G = H / K, C head size.
 */
final class Attention {
    private Attention() {}

    /** Rotates query and key heads in place; {@code back} by the opposite angle. */
    static void rotate(Aten a, Scope s, Tensor qkv, Tensor cos, Tensor sin, AttentionShape shape, boolean back) {
        long half = shape.headDim() / 2;
        long[] sizes = {shape.batch(), shape.sequence(), shape.heads() + shape.kvHeads(), half};
        long width = shape.qkvWidth();
        long[] strides = {shape.sequence() * width, width, shape.headDim(), 1};
        long[] angleSizes = {1, shape.sequence(), 1, half};
        long[] angleStrides = {0, half, 0, 1};
        NDArray firstBSHC = s.of(qkv, 0, sizes, strides);
        NDArray secondBSHC = s.of(qkv, half, sizes, strides);
        NDArray cosS = s.of(cos, 0, angleSizes, angleStrides);
        NDArray sinS = s.of(sin, 0, angleSizes, angleStrides);
        NDArray x = a.mul(firstBSHC, cosS);
        NDArray y = a.mul(secondBSHC, cosS);
        if (back) {
            a.addi(x, a.mul(secondBSHC, sinS));
            a.subi(y, a.mul(firstBSHC, sinS));
        } else {
            a.subi(x, a.mul(secondBSHC, sinS));
            a.addi(y, a.mul(firstBSHC, sinS));
        }
        a.copy(firstBSHC, x);
        a.copy(secondBSHC, y);
    }

    static void forward(Aten a, Scope s, Tensor out, Tensor lse, Tensor qkv, Tensor documents, AttentionShape shape) {
        if (s.isCpu() && documents != null) {
            DocumentAttention.forward(out, lse, qkv, documents, shape);
        } else if (s.isCpu()) {
            fusedForward(a, s, out, s.of(lse, 0, statistics(shape), strides(statistics(shape))), qkv, shape);
        } else {
            naiveForward(a, s, out, lse, qkv, documents, shape);
        }
    }

    static void backward(
            Aten a, Scope s, Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Tensor documents, AttentionShape shape) {
        if (!s.isCpu()) {
            naiveBackward(a, s, dqkv, dout, qkv, out, lse, documents, shape);
            return;
        }
        if (documents != null) {
            DocumentAttention.backward(dqkv, dout, qkv, out, lse, documents, shape);
            return;
        }
        fusedBackward(a, s, dqkv, dout, qkv, out, s.of(lse, 0, statistics(shape), strides(statistics(shape))), shape);
    }

    /** libtorch's kernel for the CPU. */
    static void fusedForward(Aten a, Scope s, Tensor out, NDArray lseBHS, Tensor qkv, AttentionShape shape) {
        NDArray[] result = a.cpuAttention(query(s, qkv, shape), keyOrValue(a, s, qkv, 0, shape), keyOrValue(a, s, qkv, 1, shape));
        a.copy(heads(s, out, 0, shape.heads(), shape.outWidth(), shape), result[0]);
        a.copy(lseBHS, result[1]);
    }

    /** The same way back; lse is dense. */
    static void fusedBackward(Aten a, Scope s, Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, NDArray lseBHS, AttentionShape shape) {
        NDArray[] gradients = a.cpuAttentionBackward(
                heads(s, dout, 0, shape.heads(), shape.outWidth(), shape), query(s, qkv, shape),
                keyOrValue(a, s, qkv, 0, shape), keyOrValue(a, s, qkv, 1, shape),
                heads(s, out, 0, shape.heads(), shape.outWidth(), shape), lseBHS);
        a.copy(query(s, dqkv, shape), gradients[0]);
        for (int which = 0; which < 2; which++) {
            a.copy(slice(s, dqkv, which, shape), overGroup(a, s, gradients[1 + which], shape));
        }
    }

    /** The plain formula: P = exp(q·kᵀ/√C − lse) under the causal mask and that of documents, out = P·v. */
    static void naiveForward(Aten a, Scope s, Tensor out, Tensor lse, Tensor qkv, Tensor documents, AttentionShape shape) {
        NDArray scoresNSS = scores(a, s, qkv, documents, shape);
        NDArray maxNS1 = a.max(scoresNSS, 2);
        a.subi(scoresNSS, maxNS1);
        a.expi(scoresNSS);
        NDArray sumNS1 = a.sum(scoresNSS, 2, true);
        a.divi(scoresNSS, sumNS1);
        NDArray lseNS1 = a.log(sumNS1);
        a.addi(lseNS1, maxNS1);
        long n = (long) shape.batch() * shape.heads();
        a.copy(s.of(lse, 0, new long[] {n, shape.sequence(), 1}, new long[] {shape.sequence(), 1, 1}), lseNS1);
        NDArray outNSC = s.empty(DType.F32, n, shape.sequence(), shape.headDim());
        a.bmm(outNSC, scoresNSS, merged(a, s, keyOrValue(a, s, qkv, 1, shape), shape));
        a.copy(heads(s, out, 0, shape.heads(), shape.outWidth(), shape), split(s, outNSC, shape));
    }

    /** dP = dout·vᵀ, dS = P∘(dP − rowsum(dout∘out))/√C, then dq = dS·k, dk = dSᵀ·q, dv = Pᵀ·dout. */
    static void naiveBackward(
            Aten a, Scope s, Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Tensor documents, AttentionShape shape) {
        long n = (long) shape.batch() * shape.heads();
        long length = shape.sequence();
        NDArray pNSS = scores(a, s, qkv, documents, shape);
        a.subi(pNSS, s.of(lse, 0, new long[] {n, length, 1}, new long[] {length, 1, 1}));
        a.expi(pNSS);
        NDArray doutNSC = merged(a, s, heads(s, dout, 0, shape.heads(), shape.outWidth(), shape), shape);
        NDArray outNSC = merged(a, s, heads(s, out, 0, shape.heads(), shape.outWidth(), shape), shape);
        NDArray dSNSS = s.empty(DType.F32, n, length, length);
        a.bmm(dSNSS, doutNSC, swapped(s, merged(a, s, keyOrValue(a, s, qkv, 1, shape), shape)));
        a.subi(dSNSS, a.sum(a.mul(doutNSC, outNSC), 2, true));
        a.muli(dSNSS, pNSS);
        a.muli(dSNSS, s.scalar(1 / Math.sqrt(shape.headDim())));
        NDArray dqNSC = s.empty(DType.F32, n, length, shape.headDim());
        a.bmm(dqNSC, dSNSS, merged(a, s, keyOrValue(a, s, qkv, 0, shape), shape));
        a.copy(query(s, dqkv, shape), split(s, dqNSC, shape));
        NDArray dkNSC = s.empty(DType.F32, n, length, shape.headDim());
        a.bmm(dkNSC, swapped(s, dSNSS), merged(a, s, query(s, qkv, shape), shape));
        a.copy(slice(s, dqkv, 0, shape), overGroup(a, s, split(s, dkNSC, shape), shape));
        NDArray dvNSC = s.empty(DType.F32, n, length, shape.headDim());
        a.bmm(dvNSC, swapped(s, pNSS), doutNSC);
        a.copy(slice(s, dqkv, 1, shape), overGroup(a, s, split(s, dvNSC, shape), shape));
    }

    // Scaled scores with −∞ above the diagonal and before a token's document, [B·H,S,S].
    private static NDArray scores(Aten a, Scope s, Tensor qkv, Tensor documents, AttentionShape shape) {
        long n = (long) shape.batch() * shape.heads();
        long length = shape.sequence();
        NDArray scoresNSS = s.empty(DType.F32, n, length, length);
        a.bmm(scoresNSS, merged(a, s, query(s, qkv, shape), shape),
                swapped(s, merged(a, s, keyOrValue(a, s, qkv, 0, shape), shape)));
        a.muli(scoresNSS, s.scalar(1 / Math.sqrt(shape.headDim())));
        NDArray maskSS = s.empty(DType.F32, length, length);
        a.copy(maskSS, s.scalar(Double.NEGATIVE_INFINITY));
        a.addi(scoresNSS, a.triu(maskSS, 1));
        if (documents == null) {
            return scoresNSS;
        }
        // The number of a column is the number of ones at or above the diagonal in it, less one.
        NDArray onesSS = s.empty(DType.F32, length, length);
        a.copy(onesSS, s.scalar(1));
        NDArray columnS = a.sum(a.triu(onesSS, 0), 0, false);
        a.subi(columnS, s.scalar(1));
        NDArray startsBHS1 = s.of(documents, 0, new long[] {shape.batch(), 1, length, 1}, new long[] {length, 0, 1, 1});
        NDArray beforeBHSS = a.lt(s.reinterpret(columnS, 0, new long[] {1, 1, 1, length}, new long[] {0, 0, 0, 1}), startsBHS1);
        long[] sizes = {shape.batch(), shape.heads(), length, length};
        NDArray scoresBHSS = s.reinterpret(scoresNSS, 0, sizes, strides(sizes));
        a.copy(scoresBHSS, a.where(beforeBHSS, s.scalar(Double.NEGATIVE_INFINITY), scoresBHSS));
        return scoresNSS;
    }

    private static NDArray query(Scope s, Tensor qkv, AttentionShape shape) {
        return heads(s, qkv, 0, shape.heads(), shape.qkvWidth(), shape);
    }

    // The key (0) or value (1) heads in place, [B,K,S,C].
    private static NDArray slice(Scope s, Tensor qkv, int which, AttentionShape shape) {
        long offset = (shape.heads() + (long) which * shape.kvHeads()) * shape.headDim();
        return heads(s, qkv, offset, shape.kvHeads(), shape.qkvWidth(), shape);
    }

    // Keys (0) or values (1) with every head repeated for its group, [B,H,S,C]; a copy only when heads are shared.
    private static NDArray keyOrValue(Aten a, Scope s, Tensor qkv, int which, AttentionShape shape) {
        if (shape.heads() == shape.kvHeads()) {
            return slice(s, qkv, which, shape);
        }
        long offset = (shape.heads() + (long) which * shape.kvHeads()) * shape.headDim();
        long group = shape.heads() / shape.kvHeads();
        long width = shape.qkvWidth();
        NDArray sharedBKGSC = s.of(qkv, offset,
                new long[] {shape.batch(), shape.kvHeads(), group, shape.sequence(), shape.headDim()},
                new long[] {shape.sequence() * width, shape.headDim(), 0, width, 1});
        NDArray copyBKGSC =
                s.empty(qkv.dtype(), shape.batch(), shape.kvHeads(), group, shape.sequence(), shape.headDim());
        a.copy(copyBKGSC, sharedBKGSC);
        long[] sizes = {shape.batch(), shape.heads(), shape.sequence(), shape.headDim()};
        return s.reinterpret(copyBKGSC, 0, sizes, strides(sizes));
    }

    // Sums gradients of repeated heads over their group: [B,H,S,C] to [B,K,S,C].
    private static NDArray overGroup(Aten a, Scope s, NDArray xBHSC, AttentionShape shape) {
        if (shape.heads() == shape.kvHeads()) {
            return xBHSC;
        }
        long[] sizes = {shape.batch(), shape.heads(), shape.sequence(), shape.headDim()};
        NDArray copyBHSC = s.empty(DType.F32, sizes);
        a.copy(copyBHSC, xBHSC);
        long[] grouped = {
            shape.batch(), shape.kvHeads(), shape.heads() / shape.kvHeads(), shape.sequence(), shape.headDim()
        };
        return a.sum(s.reinterpret(copyBHSC, 0, grouped, strides(grouped)), 2, false);
    }

    // Heads of a row-major [T,width] buffer from an element offset, as [B,heads,S,C].
    private static NDArray heads(Scope s, Tensor x, long offset, long count, long width, AttentionShape shape) {
        return s.of(x, offset, new long[] {shape.batch(), count, shape.sequence(), shape.headDim()},
                new long[] {shape.sequence() * width, shape.headDim(), width, 1});
    }

    // [B,H,S,C] of any strides and type as a dense F32 [B·H,S,C].
    private static NDArray merged(Aten a, Scope s, NDArray xBHSC, AttentionShape shape) {
        NDArray copy = s.empty(DType.F32, shape.batch(), shape.heads(), shape.sequence(), shape.headDim());
        a.copy(copy, xBHSC);
        long[] sizes = {(long) shape.batch() * shape.heads(), shape.sequence(), shape.headDim()};
        return s.reinterpret(copy, 0, sizes, strides(sizes));
    }

    private static NDArray split(Scope s, NDArray xNSC, AttentionShape shape) {
        long[] sizes = {shape.batch(), shape.heads(), shape.sequence(), shape.headDim()};
        return s.reinterpret(xNSC, 0, sizes, strides(sizes));
    }

    // The last two dimensions of a dense three-dimensional array swapped.
    private static NDArray swapped(Scope s, NDArray x) {
        long n = x.getShape().get(0);
        long rows = x.getShape().get(1);
        long columns = x.getShape().get(2);
        return s.reinterpret(x, 0, new long[] {n, columns, rows}, new long[] {rows * columns, 1, columns});
    }

    static long[] statistics(AttentionShape shape) {
        return new long[] {shape.batch(), shape.heads(), shape.sequence()};
    }

    private static long[] strides(long[] sizes) {
        long[] strides = new long[sizes.length];
        long n = 1;
        for (int i = sizes.length - 1; i >= 0; i--) {
            strides[i] = n;
            n *= sizes[i];
        }
        return strides;
    }
}
