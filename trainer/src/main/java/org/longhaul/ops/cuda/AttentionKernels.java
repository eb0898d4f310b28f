package org.longhaul.ops.cuda;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.natives.CudaEvent;
import org.longhaul.natives.FusedAttention;
import org.longhaul.natives.NativeException;
import org.longhaul.ops.AttentionShape;
import org.longhaul.ops.PortableOps;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Causal attention on the GPU. The first call of a shape times the kinds at hand on the real operands and keeps the fastest,
 * forward and backward apart (both need only out and lse of the other); in deterministic mode the configured kind is taken.
 */
final class AttentionKernels implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AttentionKernels.class);
    private static final int REPEATS = 3;

    private final CudaBackend backend;
    private final RopeKernels rope;
    private final Map<FusedAttention.Kind, FusedAttention> opened = new HashMap<>();
    private final Map<AttentionShape, FusedAttention> forward = new HashMap<>();
    private final Map<AttentionShape, FusedAttention> backward = new HashMap<>();
    private final Map<String, String> remarks = new TreeMap<>();
    private final PortableOps portable = new PortableOps();

    AttentionKernels(CudaBackend backend, RopeKernels rope) {
        this.backend = backend;
        this.rope = rope;
    }

    void forward(Tensor out, Tensor lse, Tensor qkv, AttentionShape shape) {
        check(out, lse, qkv, shape);
        if (qkv.dtype() == DType.F32) {
            portable.attention(out, lse, qkv, shape);
            return;
        }
        FusedAttention chosen = forward.get(shape);
        if (chosen == null) {
            chosen = choose("forward", shape, a -> a.forward(out, lse, qkv, shape));
            forward.put(shape, chosen);
        }
        chosen.forward(out, lse, qkv, shape);
    }

    void backward(Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Tensor cos, Tensor sin, AttentionShape shape) {
        check(out, lse, qkv, shape);
        check(dout, lse, dqkv, shape);
        if (qkv.dtype() == DType.F32) {
            portable.attentionBackward(dqkv, dout, qkv, out, lse, cos, sin, shape);
            return;
        }
        FusedAttention chosen = backward.get(shape);
        if (chosen == null) {
            chosen = choose("backward", shape, a -> a.backward(dout, qkv, out, lse, shape).release());
            backward.put(shape, chosen);
        }
        FusedAttention.Gradients g = chosen.backward(dout, qkv, out, lse, shape);
        rope.backwardPack(dqkv, strided(g, 0), strided(g, 1), strided(g, 2), cos, sin, shape, false);
        g.release();
    }

    private static RopeKernels.Strided strided(FusedAttention.Gradients g, int which) {
        return new RopeKernels.Strided(g.address(which), g.batchStride(which), g.positionStride(which), g.headStride(which));
    }

    private interface Work {
        void with(FusedAttention attention);
    }

    private FusedAttention choose(String pass, AttentionShape shape, Work work) {
        FusedAttention.Kind configured = backend.settings().attention();
        String key = pass + " " + shape;
        if (backend.settings().deterministic()) {
            remarks.put(key, configured + " as configured");
            return open(configured);
        }
        FusedAttention best = null;
        double shortest = Double.MAX_VALUE;
        StringBuilder text = new StringBuilder();
        NativeException last = null;
        for (FusedAttention.Kind kind : FusedAttention.Kind.values()) {
            try {
                double ms = time(open(kind), work);
                text.append(String.format(Locale.ROOT, " %s %.3f ms", kind, ms));
                if (ms < shortest) {
                    shortest = ms;
                    best = open(kind);
                }
            } catch (NativeException e) {
                last = e;
                text.append(' ').append(kind).append(" not at hand");
                LOG.debug("{} attention does not do {}: {}", kind, shape, e.getMessage());
            }
        }
        if (best == null) {
            throw last;
        }
        remarks.put(key, best.kind() + " of" + text);
        LOG.debug("attention {}: {} of{}", key, best.kind(), text);
        return best;
    }

    private double time(FusedAttention attention, Work work) {
        double[] t = new double[REPEATS];
        try (CudaEvent start = backend.device().event(); CudaEvent end = backend.device().event()) {
            work.with(attention);
            for (int r = 0; r < REPEATS; r++) {
                start.record(backend.computeStream());
                work.with(attention);
                end.record(backend.computeStream());
                end.await();
                t[r] = end.millisecondsSince(start);
            }
        }
        Arrays.sort(t);
        return t[REPEATS / 2];
    }

    private FusedAttention open(FusedAttention.Kind kind) {
        return opened.computeIfAbsent(kind, k -> new FusedAttention(k, backend.settings().device()));
    }

    private static void check(Tensor out, Tensor lse, Tensor qkv, AttentionShape shape) {
        Operands.require(out.elements() == shape.tokens() * shape.outWidth() && qkv.elements() == shape.tokens() * shape.qkvWidth()
                && lse.elements() == shape.tokens() * shape.heads(), "attention of " + shape, out, lse, qkv);
        Operands.type(DType.F32, "attention", lse);
        Operands.require(out.dtype() == qkv.dtype(), "attention", out, qkv);
    }

    /** Which kernels each shape got. */
    String report() {
        StringBuilder text = new StringBuilder();
        remarks.forEach((k, v) -> text.append("attention ").append(k).append(": ").append(v).append('\n'));
        return text.toString();
    }

    @Override
    public void close() {
        opened.values().forEach(FusedAttention::close);
    }
}
