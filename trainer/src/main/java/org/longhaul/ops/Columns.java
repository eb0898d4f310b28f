package org.longhaul.ops;

import ai.djl.ndarray.NDArray;
import org.longhaul.natives.Aten;
import org.longhaul.natives.Scope;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/**
 * Where token ids fall in one rank's slice of the vocabulary. Ids are exact in F32 up to 2²⁴.
 *
 * @param scope for views
 * @param index [n,1] I64: id − first, 0 where the id is elsewhere
 * @param mask [n,1] F32: 1 where the id is here, else 0
 */
record Columns(Scope scope, NDArray index, NDArray mask) {
    /** Looks ids up in the slice of {@code count} ids from {@code first}. */
    static Columns of(Aten a, Scope s, Tensor ids, long first, long count) {
        long n = ids.elements();
        NDArray local = a.to(s.of(ids, 0, new long[] {n, 1}, new long[] {1, 1}), DType.F32);
        if (first != 0) {
            local = a.sub(local, s.scalar(first));
        }
        NDArray mask = a.mul(
                a.to(a.ge(local, s.scalar(0)), DType.F32), a.to(a.lt(local, s.scalar(count)), DType.F32));
        return new Columns(s, a.to(a.mul(local, mask), DType.I64), mask);
    }

    /** The index as [n]. */
    NDArray flat() {
        return scope.reinterpret(index, 0, new long[] {index.size()}, new long[] {1});
    }
}
