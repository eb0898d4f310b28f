package org.longhaul.natives;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.longhaul.natives.CudnnGraph.Node;
import org.longhaul.ops.AttentionShape;
import org.longhaul.tensor.Tensor;

/**
 * Causal attention by cuDNN itself, without libtorch: queries, keys and values are read where they lie in the packed qkv[T,Q],
 * out is written in place, and the gradients go straight into a packed dqkv[T,Q]. Scratch is one block of device memory. May be
 * captured into a graph once a shape has run. Not for several threads at once.
 *
 * <p>With documents, a score whose key lies before the query's document is masked beside those above the diagonal. The shape of the
 * work is the same whatever the documents are, so their number is not bounded, and a captured graph reads each step's anew.
 */
public final class CudnnAttention implements AutoCloseable {
    /** From this version on cuDNN clears the sums of dq itself. */
    private static final long CLEARS_ITS_SUMS = 90_600;

    private final CudaDevice device;
    private final CudaStream stream;
    private final boolean ordered;
    private final long handle;
    private final Map<Use, Pass> forward = new HashMap<>();
    private final Map<Use, Pass> backward = new HashMap<>();
    private final Memory scalars = new Memory(4L * Float.BYTES);
    private final List<DeviceMemory> retired = new ArrayList<>();
    private DeviceMemory scratch;

    /** A graph and its real tensors in the order in which addresses are given, the scalars scale, fill (and one) last. */
    record Built(CudnnGraph graph, int scalarsFrom, Node... nodes) {}

    /** What a graph is for: a shape, with documents or without. */
    private record Use(AttentionShape shape, boolean documents) {
        @Override
        public String toString() {
            return shape + (documents ? " within documents" : "");
        }
    }

    /** A planned graph. */
    private record Pass(CudnnGraph graph, Node[] nodes, long[] addresses, float scale) {}

    /**
     * Opens cuDNN on the current GPU.
     *
     * @param ordered whether sums must have a fixed order, at the price of speed and of scratch that grows with S²
     */
    public CudnnAttention(CudaDevice device, CudaStream stream, boolean ordered) {
        this.device = device;
        this.stream = stream;
        this.ordered = ordered;
        try (Memory out = new Memory(Long.BYTES)) {
            CudnnApi.require();
            CudnnApi.check(CudnnApi.cudnnCreate(out), "cudnnCreate");
            handle = out.getLong(0);
        }
        CudnnApi.check(CudnnApi.cudnnSetStream(handle, stream.handle()), "cudnnSetStream");
        // Fill of masked scores (the lowest float; cuDNN subtracts from it, so it must be finite), one, and the scale of a run.
        scalars.setFloat(0, -Float.MAX_VALUE);
        scalars.setFloat(4, 1);
    }

    /** cuDNN's version, for instance 91900. */
    public static long version() {
        CudnnApi.require();
        return CudnnApi.cudnnGetVersion();
    }

    /**
     * out[T,H·headDim] and lse[B,H,S] (F32, natural log) from rotated qkv[T,Q].
     *
     * @param documents I32 [T] where each token's document begins in its sequence; null where a sequence is one document
     */
    public void forward(Tensor out, Tensor lse, Tensor qkv, Tensor documents, AttentionShape s) {
        Use use = new Use(s, documents != null);
        Pass p = forward.get(use);
        if (p == null) {
            p = plan(forwardGraph(s, use.documents), "attention", use);
            forward.put(use, p);
        }
        long[] a = p.addresses;
        inputs(a, qkv, s);
        a[3] = out.address();
        a[4] = lse.address();
        if (documents != null) {
            a[5] = documents.address();
        }
        run(p, 0, "attention of " + s);
    }

    /** dqkv[T,Q] with respect to rotated queries, keys, and values. */
    public void backward(Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Tensor documents, AttentionShape s) {
        Use use = new Use(s, documents != null);
        Pass p = backward.get(use);
        if (p == null) {
            p = plan(backwardGraph(s, ordered, use.documents), "attention backward", use);
            backward.put(use, p);
        }
        long[] a = p.addresses;
        inputs(a, qkv, s);
        a[3] = out.address();
        a[4] = lse.address();
        a[5] = dout.address();
        long element = dqkv.dtype().bytes();
        a[6] = dqkv.address();
        a[7] = dqkv.address() + s.outWidth() * element;
        a[8] = a[7] + (long) s.kvHeads() * s.headDim() * element;
        long sums = align(s.tokens() * s.heads() * Float.BYTES);
        long dqSums = ordered ? 0 : align(s.tokens() * s.outWidth() * Float.BYTES);
        reserve(sums + dqSums + p.graph.workspaceBytes());
        a[9] = scratch.address();
        if (!ordered) {
            a[10] = scratch.address() + sums;
            if (version() < CLEARS_ITS_SUMS) {
                stream.fill(a[10], 0, dqSums);
            }
        }
        if (documents != null) {
            a[ordered ? 10 : 11] = documents.address();
        }
        run(p, sums + dqSums, "attention backward of " + s);
    }

    private static void inputs(long[] a, Tensor qkv, AttentionShape s) {
        long element = qkv.dtype().bytes();
        a[0] = qkv.address();
        a[1] = qkv.address() + s.outWidth() * element;
        a[2] = a[1] + (long) s.kvHeads() * s.headDim() * element;
    }

    private void run(Pass p, long offset, String what) {
        reserve(offset + p.graph.workspaceBytes());
        scalars.setFloat(8, p.scale);
        p.graph.run(handle, p.nodes, p.addresses, scratch.address() + offset, what);
    }

    // Blocks grow by doubling and are never freed before the end: a captured graph may point at an old one.
    private void reserve(long bytes) {
        if (scratch == null || scratch.bytes() < bytes) {
            if (scratch != null) {
                retired.add(scratch);
            }
            scratch = device.allocate(align(Math.max(bytes, 1 << 20)));
        }
    }

    private static long align(long bytes) {
        return (bytes + 255) / 256 * 256;
    }

    /**
     * Scratch of the backward pass: a float for each row, and float sums of dq; with ordered sums, instead of these, the bf16 scores'
     * gradient that the engine keeps in its workspace; there also dk and dv of each query head where several share a key/value head.
     */
    public static long scratchBytes(AttentionShape s, boolean ordered) {
        long rows = align(s.tokens() * s.heads() * Float.BYTES);
        long shared = s.heads() == s.kvHeads() ? 0 : 2 * s.tokens() * s.outWidth() * Short.BYTES;
        return rows + shared + (ordered ? align(s.tokens() * s.heads() * s.sequence() * Short.BYTES) : align(s.tokens() * s.outWidth() * Float.BYTES));
    }

    /** Device memory held, in bytes. */
    public long heldBytes() {
        return (scratch == null ? 0 : scratch.bytes()) + retired.stream().mapToLong(DeviceMemory::bytes).sum();
    }

    // The geometry shared by both passes.
    private record Views(long b, long h, long hk, long n, long d) {
        static Views of(AttentionShape s) {
            return new Views(s.batch(), s.heads(), s.kvHeads(), s.sequence(), s.headDim());
        }

        private long width() {
            return (h + 2 * hk) * d;
        }

        long[] heads(long count) {
            return new long[] {b, count, n, d};
        }

        long[] packed() {
            return new long[] {n * width(), d, width(), 1};
        }

        long[] turned(long count) {
            return new long[] {b, count, d, n};
        }

        long[] packedTurned() {
            return new long[] {n * width(), d, 1, width()};
        }

        long[] output() {
            return new long[] {n * h * d, d, h * d, 1};
        }

        long[] full() {
            return new long[] {h * n * d, n * d, d, 1};
        }

        long[] scores() {
            return new long[] {b, h, n, n};
        }

        long[] scoreStrides() {
            return new long[] {h * n * n, n * n, n, 1};
        }

        long[] scoresTurnedStrides() {
            return new long[] {h * n * n, n * n, 1, n};
        }

        long[] rows() {
            return new long[] {b, h, n, 1};
        }

        long[] rowStrides() {
            return new long[] {h * n, n, 1, 1};
        }
    }

    // What a query does not see is filled: keys after it, and keys before its document.
    private static Node visible(CudnnGraph g, Node scores, Node fill, Node starts) {
        Node key = g.index(scores, 3);
        Node within = starts == null ? scores : g.select(scores, fill, g.atLeast(key, starts));
        return g.select(within, fill, g.atLeast(g.index(scores, 2), key));
    }

    private static Node starts(CudnnGraph g, Views v) {
        return g.real(CudnnApi.INT32, new long[] {v.b, 1, v.n, 1}, new long[] {v.n, v.n, 1, 1});
    }

    private Pass plan(Built built, String what, Use use) {
        try {
            built.graph.plan(handle, what + " of " + use, ordered);
        } catch (NativeException e) {
            built.graph.close();
            throw e;
        }
        long[] a = new long[built.nodes.length];
        long at = Pointer.nativeValue(scalars);
        long[] offsets = {8, 0, 4};
        for (int i = built.scalarsFrom; i < a.length; i++) {
            a[i] = at + offsets[i - built.scalarsFrom];
        }
        return new Pass(built.graph, built.nodes, a, (float) (1 / Math.sqrt(use.shape.headDim())));
    }

    // softmax(mask(q·kᵀ·scale))·v with the log-sum-exp of each row; the engine knows this pattern and fuses it.
    static Built forwardGraph(AttentionShape s, boolean documents) {
        Views v = Views.of(s);
        CudnnGraph g = new CudnnGraph();
        Node q = g.real(CudnnApi.BFLOAT16, v.heads(v.h), v.packed());
        Node kt = g.real(CudnnApi.BFLOAT16, v.turned(v.hk), v.packedTurned());
        Node values = g.real(CudnnApi.BFLOAT16, v.heads(v.hk), v.packed());
        Node out = g.real(CudnnApi.BFLOAT16, v.heads(v.h), v.output());
        Node lse = g.real(CudnnApi.FLOAT, v.rows(), v.rowStrides());
        Node starts = documents ? starts(g, v) : null;
        Node scale = g.scalar();
        Node fill = g.scalar();
        Node raw = g.virtual(CudnnApi.FLOAT, v.scores(), v.scoreStrides());
        g.product(q, kt, raw);
        Node masked = visible(g, g.pointwise(CudnnApi.MUL, raw, scale), fill, starts);
        Node max = g.virtual(CudnnApi.FLOAT, v.rows(), v.rowStrides());
        g.reduce(CudnnApi.REDUCE_MAX, masked, max);
        Node e = g.pointwise(CudnnApi.EXP, g.pointwise(CudnnApi.SUB, masked, max), null);
        Node sum = g.virtual(CudnnApi.FLOAT, v.rows(), v.rowStrides());
        g.reduce(CudnnApi.REDUCE_ADD, e, sum);
        g.pointwise(CudnnApi.ADD, max, g.pointwise(CudnnApi.LOG, sum, null), lse);
        Node p = g.virtual(CudnnApi.BFLOAT16, v.scores(), v.scoreStrides());
        g.pointwise(CudnnApi.DIV, e, sum, p);
        g.product(p, values, out);
        return documents ? new Built(g, 6, q, kt, values, out, lse, starts, scale, fill) : new Built(g, 5, q, kt, values, out, lse, scale, fill);
    }

    // p = exp(scores − lse); dv = pᵀ·dout; ds = p·(dout·vᵀ − rowsum(dout·out))·scale; dk = dsᵀ·q; dq = ds·k.
    static Built backwardGraph(AttentionShape s, boolean ordered, boolean documents) {
        Views v = Views.of(s);
        CudnnGraph g = new CudnnGraph();
        Node q = g.real(CudnnApi.BFLOAT16, v.heads(v.h), v.packed());
        Node kt = g.real(CudnnApi.BFLOAT16, v.turned(v.hk), v.packedTurned());
        Node vt = g.real(CudnnApi.BFLOAT16, v.turned(v.hk), v.packedTurned());
        Node out = g.real(CudnnApi.BFLOAT16, v.heads(v.h), v.output());
        Node lse = g.real(CudnnApi.FLOAT, v.rows(), v.rowStrides());
        Node dout = g.real(CudnnApi.BFLOAT16, v.heads(v.h), v.output());
        Node dq = g.real(CudnnApi.BFLOAT16, v.heads(v.h), v.packed());
        Node dk = g.real(CudnnApi.BFLOAT16, v.heads(v.hk), v.packed());
        Node dv = g.real(CudnnApi.BFLOAT16, v.heads(v.hk), v.packed());
        Node rowSum = g.real(CudnnApi.FLOAT, v.rows(), v.rowStrides());
        Node starts = documents ? starts(g, v) : null;
        Node scale = g.scalar();
        Node fill = g.scalar();
        Node one = g.scalar();

        Node product = g.virtual(CudnnApi.FLOAT, v.heads(v.h), v.full());
        g.pointwise(CudnnApi.MUL, dout, out, product);
        Node rows = g.virtual(CudnnApi.FLOAT, v.rows(), v.rowStrides());
        g.reduce(CudnnApi.REDUCE_ADD, product, rows);
        g.pointwise(CudnnApi.MUL, rows, one, rowSum);

        Node raw = g.virtual(CudnnApi.FLOAT, v.scores(), v.scoreStrides());
        g.product(q, kt, raw);
        Node shifted = g.pointwise(CudnnApi.SUB, g.pointwise(CudnnApi.MUL, raw, scale), lse);
        Node p = g.pointwise(CudnnApi.EXP, visible(g, shifted, fill, starts), null);
        headGradient(g, v, g.reshape(p, CudnnApi.BFLOAT16, v.scores(), v.scoresTurnedStrides()), dout, dv);

        Node dp = g.virtual(CudnnApi.FLOAT, v.scores(), v.scoreStrides());
        g.product(dout, vt, dp);
        Node ds = g.pointwise(CudnnApi.MUL, g.pointwise(CudnnApi.SUB, dp, rowSum), p);
        ds = g.pointwise(CudnnApi.MUL, ds, scale);
        headGradient(g, v, g.reshape(ds, CudnnApi.BFLOAT16, v.scores(), v.scoresTurnedStrides()), q, dk);

        Node k = g.reshape(kt, CudnnApi.BFLOAT16, v.heads(v.hk), v.packed());
        List<Node> nodes = new ArrayList<>(List.of(q, kt, vt, out, lse, dout, dq, dk, dv, rowSum));
        if (ordered) {
            g.product(ds, k, dq);
        } else {
            Node sums = g.real(CudnnApi.FLOAT, v.heads(v.h), v.full());
            g.product(ds, k, sums);
            g.pointwise(CudnnApi.IDENTITY, sums, null, dq);
            nodes.add(sums);
        }
        if (documents) {
            nodes.add(starts);
        }
        int scalarsFrom = nodes.size();
        nodes.addAll(List.of(scale, fill, one));
        return new Built(g, scalarsFrom, nodes.toArray(new Node[0]));
    }

    // A key/value head's gradient is the sum over the query heads that read it.
    private static void headGradient(CudnnGraph g, Views v, Node weights, Node x, Node gradient) {
        if (v.h == v.hk) {
            g.product(weights, x, gradient);
        } else {
            Node each = g.virtual(CudnnApi.BFLOAT16, v.heads(v.h), v.full());
            g.product(weights, x, each);
            g.reduce(CudnnApi.REDUCE_ADD, each, gradient);
        }
    }

    @Override
    public void close() {
        forward.values().forEach(p -> p.graph.close());
        backward.values().forEach(p -> p.graph.close());
        CudnnApi.check(CudnnApi.cudnnDestroy(handle), "cudnnDestroy");
        retired.forEach(DeviceMemory::close);
        if (scratch != null) {
            scratch.close();
        }
        scalars.close();
    }
}
