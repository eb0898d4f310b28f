package org.longhaul.ops.cuda;

import static org.longhaul.ops.cuda.Operands.aligned;
import static org.longhaul.ops.cuda.Operands.flag;

import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/** Table rows by id, and their gradient added in token order. */
final class EmbeddingKernels {
    private static final int THREADS = 256;
    private static final int VECTOR = 8;
    /** Blocks of the backward pass for each multiprocessor; each owns a share of the table rows and reads all ids. */
    private static final int BLOCKS_PER_MULTIPROCESSOR = 3;
    /** Tokens of one row from which on they are summed in pieces, tokens of a piece, and what the parts of the scratch are rounded to. */
    private static final int HOT = 32;
    private static final int PIECE = 64;
    private static final int ROUND = 64;
    private static final int MANY_MULTIPROCESSORS = 148;

    private final KernelProvider provider;
    private final Kernel forward;
    private final Kernel backward;
    private final Kernel pieces;
    private final Kernel piecesSum;

    EmbeddingKernels(KernelProvider provider) {
        this.provider = provider;
        forward = provider.kernel("embedding", "embedding");
        backward = provider.kernel("embedding", "embedding_backward");
        pieces = provider.kernel("embedding", "embedding_pieces");
        piecesSum = provider.kernel("embedding", "embedding_pieces_sum");
    }

    void forward(Tensor x, Tensor w, Tensor ids, long firstRow) {
        check("embedding", x, w, ids);
        Operands.type(provider.computeType(), "embedding", x, w);
        int width = w.size(-1) % VECTOR == 0 && aligned(x, w) ? VECTOR : 1;
        long chunks = x.elements() / width;
        forward.pointer(x).pointer(w).pointer(ids).int64(firstRow).int64(w.size(0)).int32((int) (w.size(-1) / width))
                .int32(Operands.count(chunks, "embedding chunks")).int32(width).cover(chunks, THREADS);
    }

    void backward(Tensor dw, Tensor dx, Tensor ids, long firstRow) {
        check("embeddingBackward", dx, dw, ids);
        Operands.type(provider.computeType(), "embeddingBackward", dx);
        Operands.type(DType.F32, "embeddingBackward", dw);
        long rows = dw.size(0);
        int dim = (int) dw.size(-1);
        Operands.count(rows, "table rows");
        int blocks = (int) Math.min(rows, (long) provider.multiprocessors() * BLOCKS_PER_MULTIPROCESSOR);
        if (blocks == 0 || ids.elements() == 0) {
            return;
        }
        int tokens = Operands.count(ids.elements(), "tokens");
        // As many hot rows as all tokens can make, in all and of one block; a piece belongs to at least HOT tokens.
        int hot = tokens / HOT;
        long scratch = provider.scratch(scratchBytes(blocks, tokens, dim));
        int vector = flag(dim % VECTOR == 0 && aligned(dw, dx));
        if (hot > 0) {
            provider.zero(scratch, Integer.BYTES);
        }
        backward.pointer(dw).pointer(dx).pointer(ids).int64(firstRow).int64(rows).int32(tokens).int32(dim).int32(vector)
                .pointer(scratch).int32(hot).int32(hot).launch(blocks, 1, THREADS, 1, 0);
        if (hot > 0) {
            pieces.pointer(scratch).int32(blocks).int32(hot).int32(hot).pointer(dx).int32(dim).int32(vector).launch(hot, 1, THREADS, 1, 0);
            piecesSum.pointer(dw).pointer(scratch).int32(blocks).int32(hot).int32(hot).int32(dim).launch(blocks, 1, THREADS, 1, 0);
        }
    }

    /** Bytes of the scratch on a GPU of many multiprocessors. */
    static long plannedScratch(long tokens, long dim) {
        return scratchBytes(MANY_MULTIPROCESSORS * BLOCKS_PER_MULTIPROCESSOR, tokens, dim);
    }

    // The layout of hotOf in embedding.cu.
    private static long scratchBytes(int blocks, long tokens, long dim) {
        long hot = tokens / HOT;
        long ints = ROUND + up(blocks) + up(blocks * hot) + 2 * up(hot) + hot * PIECE;
        return Integer.BYTES * (ints + hot * dim);
    }

    private static long up(long n) {
        return (n + ROUND - 1) / ROUND * ROUND;
    }

    private static void check(String what, Tensor x, Tensor w, Tensor ids) {
        Operands.require(x.size(-1) == w.size(-1) && Operands.rows(x) == ids.elements(), what, x, w, ids);
        Operands.type(DType.I32, what, ids);
    }
}
