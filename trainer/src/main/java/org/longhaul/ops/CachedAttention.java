package org.longhaul.ops;

import ai.djl.ndarray.NDArray;
import org.longhaul.natives.Aten;
import org.longhaul.natives.Scope;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/**
 * Attention of new tokens over everything before them, for generation. Suffixes: K key/value heads, G query heads of one of
 * them, T new tokens, L all tokens so far, C head size.
 */
final class CachedAttention {
    private CachedAttention() {}

    static void run(Tensor out, Tensor keys, Tensor values, Tensor qkv, long position, AttentionShape shape) {
        long t = shape.sequence();
        long total = position + t;
        long width = (long) shape.kvHeads() * shape.headDim();
        if (shape.batch() != 1 || total > keys.size(0) || keys.size(1) != width || values.size(1) != width) {
            throw new IllegalArgumentException("attention of " + shape + " at " + position + " with caches " + keys + ", " + values
                    + " does not fit");
        }
        try (Scope s = Scope.on(qkv)) {
            Aten a = new Aten(s);
            long query = (long) shape.heads() * shape.headDim();
            append(a, s, keys, qkv, position, query, width, shape);
            append(a, s, values, qkv, position, query + width, width, shape);

            long group = shape.heads() / shape.kvHeads();
            long c = shape.headDim();
            long[] grouped = {shape.kvHeads(), group, t, c};
            NDArray queryKGTC = s.empty(DType.F32, grouped);
            a.copy(queryKGTC, s.of(qkv, 0, grouped, new long[] {group * c, c, shape.qkvWidth(), 1}));
            NDArray scores = s.empty(DType.F32, shape.kvHeads(), group * t, total);
            long[] rows = {shape.kvHeads(), group * t, c};
            a.bmm(scores, s.reinterpret(queryKGTC, 0, rows, new long[] {group * t * c, c, 1}), cached(a, s, keys, total, true, shape));
            a.muli(scores, s.scalar(1 / Math.sqrt(c)));
            if (t > 1) {
                mask(a, s, scores, position, total, group, shape);
            }
            a.subi(scores, a.max(scores, 2));
            a.expi(scores);
            a.divi(scores, a.sum(scores, 2, true));
            NDArray outRows = s.empty(DType.F32, rows);
            a.bmm(outRows, scores, cached(a, s, values, total, false, shape));
            a.copy(s.of(out, 0, grouped, new long[] {group * c, c, query, 1}),
                    s.reinterpret(outRows, 0, grouped, new long[] {group * t * c, t * c, c, 1}));
        }
    }

    private static void append(
            Aten a, Scope s, Tensor cache, Tensor qkv, long position, long offset, long width, AttentionShape shape) {
        long[] sizes = {shape.sequence(), width};
        a.copy(s.of(cache, position * width, sizes, new long[] {width, 1}),
                s.of(qkv, offset, sizes, new long[] {shape.qkvWidth(), 1}));
    }

    // A cache [L,K·C] as K matrices: [K,C,L] transposed or [K,L,C].
    private static NDArray cached(Aten a, Scope s, Tensor cache, long total, boolean transposed, AttentionShape shape) {
        long c = shape.headDim();
        long width = (long) shape.kvHeads() * c;
        NDArray view = transposed
                ? s.of(cache, 0, new long[] {shape.kvHeads(), c, total}, new long[] {c, 1, width})
                : s.of(cache, 0, new long[] {shape.kvHeads(), total, c}, new long[] {c, width, 1});
        return a.to(view, DType.F32);
    }

    // New token i sees the cache up to position + i.
    private static void mask(Aten a, Scope s, NDArray scores, long position, long total, long group, AttentionShape shape) {
        long t = shape.sequence();
        NDArray infinite = s.empty(DType.F32, t, total);
        a.copy(infinite, s.scalar(Double.NEGATIVE_INFINITY));
        long[] sizes = {shape.kvHeads(), group, t, total};
        a.addi(s.reinterpret(scores, 0, sizes, new long[] {group * t * total, t * total, total, 1}), a.triu(infinite, position + 1));
    }
}
