package org.longhaul.natives;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.longhaul.natives.AttentionGraphs.Built;
import org.longhaul.natives.AttentionGraphs.Documents;
import org.longhaul.natives.CudnnGraph.Node;
import org.longhaul.ops.AttentionShape;
import org.longhaul.ops.DocumentIndex;
import org.longhaul.tensor.Tensor;

/**
 * Causal attention by cuDNN itself, without libtorch: queries, keys and values are read where they lie in the packed qkv[T,Q],
 * out is written in place, and the gradients go straight into a packed dqkv[T,Q]. Scratch is one block of device memory. May be
 * captured into a graph once a shape has run. Not for several threads at once.
 *
 * <p>Documents are kept apart in two ways. Masked: a score whose key lies before the query's document is filled beside those above the
 * diagonal, which costs what whole sequences cost. In runs: a sequence is computed run of documents by run, which leaves out most of what
 * the mask would hide; sums then have no fixed order. Either way the shape of the work does not depend on the documents, so their
 * number is not bounded and a captured graph reads each step's anew.
 */
public final class CudnnAttention implements AutoCloseable {
    /** From this version on cuDNN clears the sums of dq itself. */
    private static final long CLEARS_ITS_SUMS = 90_600;

    /** Up to this version, gradients of sequences that are no multiple of {@link #TILE} are wrong or no numbers unless padded. */
    private static final long TILED_GRADIENTS = 91_500;

    private static final int TILE = 128;

    /** The version, and the GPUs' generation, for which variable lengths have been seen to be right; one that is not may take the context with it. */
    private static final long RUNS_SINCE = 91_900;

    private static final int RUNS_ON = 9;

    /** Room for the small workspace of another graph. */
    private static final long SLACK = 1 << 20;

    private final CudaDevice device;
    private final CudaStream stream;
    private final boolean ordered;
    private final long handle;
    private final Map<Use, Pass> forward = new HashMap<>();
    private final Map<Use, Pass> backward = new HashMap<>();
    private final Memory scalars = new Memory(4L * Float.BYTES);
    private final List<DeviceMemory> retired = new ArrayList<>();
    private DeviceMemory scratch;

    /** What a graph is for. */
    private record Use(AttentionShape shape, Documents documents) {
        static Use of(AttentionShape shape, Tensor documents, boolean runs) {
            return new Use(shape, documents == null ? Documents.OPEN : runs ? Documents.RUNS : Documents.MASKED);
        }

        @Override
        public String toString() {
            return shape + (documents == Documents.OPEN ? "" : documents == Documents.RUNS ? " in runs of documents" : " with documents masked");
        }
    }

    /** A planned graph; addresses are those of operands, scratch, parts of the document index, and scalars. So many bytes of the scratch are to be cleared before. */
    private record Pass(CudnnGraph graph, Node[] nodes, long[] addresses, int operands, long[] scratchFrom, long scratchBytes,
            long clearedFrom, long clearedBytes, int[] toldFrom, float scale) {}

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

    /** Whether documents can be computed in runs here. */
    public boolean doesRuns(AttentionShape s) {
        return !ordered && version() >= RUNS_SINCE && device.major() == RUNS_ON && new DocumentIndex(s).countable();
    }

    /**
     * out[T,H·headDim] and lse[B,H,S] (F32, natural log) from rotated qkv[T,Q].
     *
     * @param documents a {@code DocumentIndex}; null where a sequence is one document
     * @param runs whether documents are computed in runs, else masked
     */
    public void forward(Tensor out, Tensor lse, Tensor qkv, Tensor documents, boolean runs, AttentionShape s) {
        Use use = Use.of(s, documents, runs);
        Pass p = forward.get(use);
        if (p == null) {
            p = plan(AttentionGraphs.forward(s, use.documents), "attention", use);
            forward.put(use, p);
        }
        long[] a = p.addresses;
        inputs(a, qkv, s);
        a[3] = out.address();
        a[4] = lse.address();
        run(p, documents, "attention of " + s);
    }

    /** dqkv[T,Q] with respect to rotated queries, keys, and values. */
    public void backward(Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Tensor documents, boolean runs, AttentionShape s) {
        if (runs && ordered) {
            throw new IllegalArgumentException("sums over runs have no fixed order");
        }
        Use use = Use.of(s, documents, runs);
        Pass p = backward.get(use);
        if (p == null) {
            if (version() <= TILED_GRADIENTS && s.sequence() % TILE != 0) {
                throw new NativeException("cuDNN", "attention backward of " + s, 0,
                        "version " + version() + " has wrong gradients of sequences that are no multiple of " + TILE + " tokens");
            }
            // For both ways at once: a block that another one replaces is kept.
            reserve(scratchBytes(s, ordered, documents != null && doesRuns(s)) - SLACK);
            p = plan(AttentionGraphs.backward(s, ordered, use.documents), "attention backward", use);
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
        run(p, documents, "attention backward of " + s);
    }

    private static void inputs(long[] a, Tensor qkv, AttentionShape s) {
        long element = qkv.dtype().bytes();
        a[0] = qkv.address();
        a[1] = qkv.address() + s.outWidth() * element;
        a[2] = a[1] + (long) s.kvHeads() * s.headDim() * element;
    }

    private void run(Pass p, Tensor documents, String what) {
        reserve(p.scratchBytes + p.graph.workspaceBytes());
        long at = scratch.address();
        int next = p.operands;
        for (int i = 0; i < p.scratchFrom.length; i++) {
            p.addresses[next++] = at + p.scratchFrom[i];
        }
        if (p.clearedBytes > 0) {
            stream.fill(at + p.clearedFrom, 0, p.clearedBytes);
        }
        for (int from : p.toldFrom) {
            p.addresses[next++] = documents.address() + (long) from * Integer.BYTES;
        }
        scalars.setFloat(8, p.scale);
        p.graph.run(handle, p.nodes, p.addresses, at + p.scratchBytes, what);
    }

    // Blocks are never freed before the end: a captured graph may point at an old one. With room to spare for another graph's workspace.
    private void reserve(long bytes) {
        if (scratch == null || scratch.bytes() < bytes) {
            if (scratch != null) {
                retired.add(scratch);
            }
            scratch = device.allocate(AttentionGraphs.align(bytes + SLACK));
        }
    }

    /**
     * Scratch of the backward pass: a float for each row, and float sums of dq; with ordered sums, instead of these, the bf16 scores'
     * gradient that the engine keeps in its workspace; and dk and dv of each query head where several share a key/value head.
     *
     * @param documents whether documents are kept apart, perhaps in runs: then sums and the query heads' gradients lie as far apart as what
     *     is packed
     */
    public static long scratchBytes(AttentionShape s, boolean ordered, boolean documents) {
        long rows = AttentionGraphs.align(s.tokens() * s.heads() * Float.BYTES);
        boolean shared = s.heads() != s.kvHeads();
        long each = shared ? 2 * s.tokens() * s.outWidth() * Short.BYTES : 0;
        if (ordered) {
            return SLACK + rows + each + AttentionGraphs.align(s.tokens() * s.heads() * s.sequence() * Short.BYTES);
        }
        // Whether this GPU does runs is not known where a plan is made for another.
        if (documents && new DocumentIndex(s).countable()) {
            long group = s.heads() / s.kvHeads();
            return SLACK + rows + (shared ? AttentionGraphs.align(s.tokens() * s.qkvWidth() * group * Short.BYTES) : 0) + AttentionGraphs.align(s.tokens() * s.qkvWidth() * Float.BYTES);
        }
        return SLACK + rows + each + AttentionGraphs.align(s.tokens() * s.outWidth() * Float.BYTES);
    }

    private Pass plan(Built built, String what, Use use) {
        try {
            built.graph().plan(handle, what + " of " + use, ordered);
        } catch (NativeException e) {
            built.graph().close();
            throw e;
        }
        Node[] nodes = built.nodes();
        long[] a = new long[nodes.length];
        long at = Pointer.nativeValue(scalars);
        long[] offsets = {8, 0, 4};
        int first = a.length - built.scalars().size();
        for (int i = first; i < a.length; i++) {
            a[i] = at + offsets[i - first];
        }
        // What is added to must begin at 0; of runs nobody says that cuDNN sees to it.
        boolean cleared = built.sums() >= 0 && (version() < CLEARS_ITS_SUMS || use.documents == Documents.RUNS);
        return new Pass(built.graph(), nodes, a, built.operands().size(), built.scratchFrom().stream().mapToLong(Long::longValue).toArray(), built.scratchBytes(),
                cleared ? built.scratchFrom().get(built.sums()) : 0, cleared ? built.sumsBytes() : 0,
                built.toldFrom().stream().mapToInt(Integer::intValue).toArray(), (float) (1 / Math.sqrt(use.shape.headDim())));
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
