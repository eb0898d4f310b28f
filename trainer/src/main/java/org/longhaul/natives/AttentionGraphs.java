package org.longhaul.natives;

import java.util.ArrayList;
import java.util.List;
import org.longhaul.natives.CudnnGraph.Node;
import org.longhaul.ops.AttentionShape;
import org.longhaul.ops.DocumentIndex;

/**
 * The graphs of causal attention that cuDNN's engines know and fuse, on packed buffers: of whole sequences, of whole sequences with what
 * lies before a query's document masked, and of the runs that {@link DocumentIndex} cuts sequences into, each as long as it is.
 */
final class AttentionGraphs {
    private final CudnnGraph g = new CudnnGraph();
    private final Documents documents;
    private final DocumentIndex index;
    private final long b;
    private final long h;
    private final long hk;
    private final long n;
    private final long d;
    private final List<Node> operands = new ArrayList<>();
    private final List<Node> scratch = new ArrayList<>();
    private final List<Long> scratchFrom = new ArrayList<>();
    private final List<Node> told = new ArrayList<>();
    private final List<Integer> toldFrom = new ArrayList<>();
    private long scratchBytes;
    private int summed = -1;
    private long summedBytes;
    private long shared = -1;
    private Node starts;
    private Node lengths;
    private Node projections;
    private Node outputs;
    private Node statistics;

    /** How documents are kept apart. */
    enum Documents {
        /** Not at all. */
        OPEN,
        /** By masking scores of whole sequences. */
        MASKED,
        /** By computing runs of them, with a mask where a run holds several. */
        RUNS
    }

    /**
     * A graph and its tensors in memory, in the order in which addresses are given: the operands, scratch that begins at so many bytes of
     * one block, the parts of the document index that begin at so many elements, and the scalars. One scratch tensor is added to: the
     * sums of dq, or none (−1).
     */
    record Built(CudnnGraph graph, List<Node> operands, List<Node> scratch, List<Long> scratchFrom, long scratchBytes, int sums,
            long sumsBytes, List<Node> told, List<Integer> toldFrom, List<Node> scalars) {
        Node[] nodes() {
            List<Node> all = new ArrayList<>(operands);
            all.addAll(scratch);
            all.addAll(told);
            all.addAll(scalars);
            return all.toArray(Node[]::new);
        }
    }

    private AttentionGraphs(AttentionShape s, Documents documents) {
        this.documents = documents;
        this.index = new DocumentIndex(s);
        this.b = documents == Documents.RUNS ? index.runs() : s.batch();
        this.h = s.heads();
        this.hk = s.kvHeads();
        this.n = s.sequence();
        this.d = s.headDim();
        if (documents == Documents.MASKED) {
            starts = told(0, new long[] {b, 1, n, 1}, new long[] {n, n, 1, 1}, null);
        } else if (documents == Documents.RUNS) {
            lengths = told(index.lengths(), new long[] {b, 1, 1, 1}, new long[] {1, 1, 1, 1}, null);
            projections = places(index.projections());
            outputs = places(index.outputs());
            statistics = places(index.statistics());
            starts = told(index.within(), new long[] {b, 1, n, 1}, new long[] {n, n, 1, 1}, places(index.tokens()));
        }
    }

    private Node told(int from, long[] dims, long[] strides, Node places) {
        Node node = g.real(CudnnApi.INT32, dims, strides, places);
        told.add(node);
        toldFrom.add(from);
        return node;
    }

    private Node places(int from) {
        return told(from, new long[] {b + 1, 1, 1, 1}, new long[] {1, 1, 1, 1}, null);
    }

    // softmax(mask(q·kᵀ·scale))·v with the log-sum-exp of each row.
    static Built forward(AttentionShape s, Documents documents) {
        return new AttentionGraphs(s, documents).forward();
    }

    private Built forward() {
        Node q = operand(CudnnApi.BFLOAT16, heads(h), packed(), projections);
        Node kt = operand(CudnnApi.BFLOAT16, turned(hk), packedTurned(), projections);
        Node values = operand(CudnnApi.BFLOAT16, heads(hk), packed(), projections);
        Node out = operand(CudnnApi.BFLOAT16, heads(h), output(), outputs);
        Node lse = operand(CudnnApi.FLOAT, rows(), rowStrides(), statistics);
        Node scale = g.scalar();
        Node fill = g.scalar();
        Node raw = g.virtual(CudnnApi.FLOAT, scores(), scoreStrides());
        g.product(q, kt, raw, lengths, lengths, null);
        Node masked = visible(g.pointwise(CudnnApi.MUL, raw, scale), fill);
        Node max = g.virtual(CudnnApi.FLOAT, rows(), rowStrides());
        g.reduce(CudnnApi.REDUCE_MAX, masked, max);
        Node e = g.pointwise(CudnnApi.EXP, g.pointwise(CudnnApi.SUB, masked, max), null);
        Node sum = g.virtual(CudnnApi.FLOAT, rows(), rowStrides());
        g.reduce(CudnnApi.REDUCE_ADD, e, sum);
        g.pointwise(CudnnApi.ADD, max, g.pointwise(CudnnApi.LOG, sum, null), lse);
        Node p = g.virtual(CudnnApi.BFLOAT16, scores(), scoreStrides());
        g.pointwise(CudnnApi.DIV, e, sum, p);
        g.product(p, values, out, lengths, null, lengths);
        return built(List.of(scale, fill));
    }

    // p = exp(scores − lse); dv = pᵀ·dout; ds = p·(dout·vᵀ − rowsum(dout·out))·scale; dk = dsᵀ·q; dq = ds·k.
    static Built backward(AttentionShape s, boolean ordered, Documents documents) {
        return new AttentionGraphs(s, documents).backward(ordered, s);
    }

    private Built backward(boolean ordered, AttentionShape s) {
        Node q = operand(CudnnApi.BFLOAT16, heads(h), packed(), projections);
        Node kt = operand(CudnnApi.BFLOAT16, turned(hk), packedTurned(), projections);
        Node vt = operand(CudnnApi.BFLOAT16, turned(hk), packedTurned(), projections);
        Node out = operand(CudnnApi.BFLOAT16, heads(h), output(), outputs);
        Node lse = operand(CudnnApi.FLOAT, rows(), rowStrides(), statistics);
        Node dout = operand(CudnnApi.BFLOAT16, heads(h), output(), outputs);
        Node dq = operand(CudnnApi.BFLOAT16, heads(h), packed(), projections);
        Node dk = operand(CudnnApi.BFLOAT16, heads(hk), packed(), projections);
        Node dv = operand(CudnnApi.BFLOAT16, heads(hk), packed(), projections);
        Node rowSum = scratch(s.tokens() * h * Float.BYTES, g.real(CudnnApi.FLOAT, rows(), rowStrides(), statistics));
        Node scale = g.scalar();
        Node fill = g.scalar();
        Node one = g.scalar();

        Node product = g.virtual(CudnnApi.FLOAT, heads(h), full());
        g.pointwise(CudnnApi.MUL, dout, out, product);
        Node rows = g.virtual(CudnnApi.FLOAT, rows(), rowStrides());
        g.reduce(CudnnApi.REDUCE_ADD, product, rows);
        g.pointwise(CudnnApi.MUL, rows, one, rowSum);

        Node raw = g.virtual(CudnnApi.FLOAT, scores(), scoreStrides());
        g.product(q, kt, raw, lengths, lengths, null);
        Node shifted = g.pointwise(CudnnApi.SUB, g.pointwise(CudnnApi.MUL, raw, scale), lse);
        Node p = g.pointwise(CudnnApi.EXP, visible(shifted, fill), null);
        headGradient(g.reshape(p, CudnnApi.BFLOAT16, scores(), scoresTurnedStrides()), dout, dv, s);

        Node dp = g.virtual(CudnnApi.FLOAT, scores(), scoreStrides());
        g.product(dout, vt, dp, lengths, lengths, null);
        Node ds = g.pointwise(CudnnApi.MUL, g.pointwise(CudnnApi.SUB, dp, rowSum), p);
        ds = g.pointwise(CudnnApi.MUL, ds, scale);
        headGradient(g.reshape(ds, CudnnApi.BFLOAT16, scores(), scoresTurnedStrides()), q, dk, s);

        Node k = g.reshape(kt, CudnnApi.BFLOAT16, heads(hk), packed());
        if (ordered) {
            g.product(ds, k, dq, lengths, null, lengths);
        } else {
            // Of runs the engine takes it that sums lie as dq lies, wherever the graph says they are.
            boolean runs = documents == Documents.RUNS;
            summedBytes = s.tokens() * (runs ? width() : s.outWidth()) * Float.BYTES;
            Node sums = scratch(summedBytes, g.real(CudnnApi.FLOAT, heads(h), runs ? packed() : full(), projections));
            summed = scratch.size() - 1;
            g.product(ds, k, sums, lengths, null, lengths);
            g.pointwise(CudnnApi.IDENTITY, sums, null, dq);
        }
        return built(List.of(scale, fill, one));
    }

    // A key/value head's gradient is the sum over the query heads that read it. The engine keeps these itself; of runs it wants them where it
    // is told, in rows as many times as long as there are query heads to a key/value head, and multiplies the runs' places so too. Those of
    // dv use of such a row what those of dk leave free.
    private void headGradient(Node weights, Node x, Node gradient, AttentionShape s) {
        if (h == hk) {
            g.product(weights, x, gradient, lengths, null, lengths);
            return;
        }
        Node each;
        if (documents != Documents.RUNS) {
            each = g.virtual(CudnnApi.BFLOAT16, heads(h), full());
        } else {
            long row = width() * (h / hk);
            Node tensor = g.real(CudnnApi.BFLOAT16, heads(h), new long[] {n * row, d, row, 1}, projections);
            if (shared < 0) {
                shared = scratchBytes;
                each = scratch(s.tokens() * row * Short.BYTES, tensor);
            } else {
                each = scratchAt(shared + s.outWidth() * Short.BYTES, tensor);
            }
        }
        g.product(weights, x, each, lengths, null, lengths);
        g.reduce(CudnnApi.REDUCE_ADD, each, gradient);
    }

    // What a query does not see is filled: what lies behind the run's end, keys before its document, and keys after it.
    private Node visible(Node scores, Node fill) {
        Node seen = scores;
        // Each mask has indices of its own: engines know padding only so.
        if (lengths != null) {
            seen = g.select(seen, fill, g.both(g.below(g.index(seen, 2), lengths), g.below(g.index(seen, 3), lengths)));
        }
        if (starts != null) {
            seen = g.select(seen, fill, g.atLeast(g.index(seen, 3), starts));
        }
        return g.select(seen, fill, g.atLeast(g.index(seen, 2), g.index(seen, 3)));
    }

    private Node operand(int type, long[] dims, long[] strides, Node places) {
        Node node = g.real(type, dims, strides, places);
        operands.add(node);
        return node;
    }

    private Node scratch(long bytes, Node node) {
        long from = scratchBytes;
        scratchBytes = align(from + bytes);
        return scratchAt(from, node);
    }

    private Node scratchAt(long from, Node node) {
        scratch.add(node);
        scratchFrom.add(from);
        return node;
    }

    /** Where the next tensor of scratch may begin. */
    static long align(long bytes) {
        return (bytes + 255) / 256 * 256;
    }

    private Built built(List<Node> scalars) {
        return new Built(g, operands, scratch, scratchFrom, scratchBytes, summed, summedBytes, told, toldFrom, scalars);
    }

    private long width() {
        return (h + 2 * hk) * d;
    }

    private long[] heads(long count) {
        return new long[] {b, count, n, d};
    }

    private long[] packed() {
        return new long[] {n * width(), d, width(), 1};
    }

    private long[] turned(long count) {
        return new long[] {b, count, d, n};
    }

    private long[] packedTurned() {
        return new long[] {n * width(), d, 1, width()};
    }

    private long[] output() {
        return new long[] {n * h * d, d, h * d, 1};
    }

    private long[] full() {
        return new long[] {h * n * d, n * d, d, 1};
    }

    private long[] scores() {
        return new long[] {b, h, n, n};
    }

    private long[] scoreStrides() {
        return new long[] {h * n * n, n * n, n, 1};
    }

    private long[] scoresTurnedStrides() {
        return new long[] {h * n * n, n * n, 1, n};
    }

    private long[] rows() {
        return new long[] {b, h, n, 1};
    }

    private long[] rowStrides() {
        return new long[] {h * n, n, 1, 1};
    }
}
