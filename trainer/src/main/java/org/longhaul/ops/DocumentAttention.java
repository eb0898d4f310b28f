package org.longhaul.ops;

import ai.djl.ndarray.NDArray;
import java.nio.IntBuffer;
import org.longhaul.natives.Aten;
import org.longhaul.natives.HostMemory;
import org.longhaul.natives.Scope;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/** Attention within documents on the CPU: the tokens of each document by themselves, by the kernel that whole sequences go through. */
final class DocumentAttention {
    private DocumentAttention() {}

    /** Something done to one document. */
    private interface Work {
        /**
         * Does it.
         *
         * @param first its first token in the micro-batch
         * @param statistics where its first log-sum-exp lies
         * @param shape that of the document alone
         */
        void on(Aten a, Scope s, long first, long statistics, AttentionShape shape);
    }

    static void forward(Tensor out, Tensor lse, Tensor qkv, Tensor documents, AttentionShape shape) {
        each(documents, shape, (a, s, first, statistics, one) ->
                Attention.fusedForward(a, s, tokens(out, first, one.outWidth(), one), view(s, lse, statistics, one, shape),
                        tokens(qkv, first, one.qkvWidth(), one), one));
    }

    static void backward(Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Tensor documents, AttentionShape shape) {
        each(documents, shape, (a, s, first, statistics, one) -> {
            NDArray lseHS = s.empty(DType.F32, Attention.statistics(one));
            a.copy(lseHS, view(s, lse, statistics, one, shape));
            Attention.fusedBackward(a, s, tokens(dqkv, first, one.qkvWidth(), one), tokens(dout, first, one.outWidth(), one),
                    tokens(qkv, first, one.qkvWidth(), one), tokens(out, first, one.outWidth(), one), lseHS, one);
        });
    }

    private static void each(Tensor documents, AttentionShape shape, Work work) {
        int length = shape.sequence();
        for (int b = 0; b < shape.batch(); b++) {
            IntBuffer starts = HostMemory.window(documents, (long) b * length, length).asIntBuffer();
            for (int from = 0; from < length; ) {
                int to = from + 1;
                while (to < length && starts.get(to) == from) {
                    to++;
                }
                // A scope each, so that temporaries do not pile up.
                try (Scope s = Scope.on(documents)) {
                    work.on(new Aten(s), s, (long) b * length + from, (long) b * shape.heads() * length + from,
                            new AttentionShape(1, to - from, shape.heads(), shape.kvHeads(), shape.headDim()));
                }
                from = to;
            }
        }
    }

    private static Tensor tokens(Tensor x, long first, long width, AttentionShape one) {
        return x.slice(first * width, (first + one.sequence()) * width);
    }

    // Log-sum-exps of one document within those of all, [1,H,length].
    private static NDArray view(Scope s, Tensor lse, long from, AttentionShape one, AttentionShape shape) {
        return s.of(lse, from, Attention.statistics(one), new long[] {0, shape.sequence(), 1});
    }
}
