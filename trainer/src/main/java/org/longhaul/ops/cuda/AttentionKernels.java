package org.longhaul.ops.cuda;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.error.UserError;
import org.longhaul.natives.CudaEvent;
import org.longhaul.natives.CudnnAttention;
import org.longhaul.natives.FusedAttention;
import org.longhaul.natives.LibTorchCache;
import org.longhaul.natives.NativeException;
import org.longhaul.ops.AttentionShape;
import org.longhaul.ops.DocumentIndex;
import org.longhaul.ops.PortableOps;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Causal attention on the GPU: cuDNN itself where it is, FlashAttention through libtorch. The first call of a shape times the
 * kernels at hand on the real operands and keeps the fastest, forward and backward apart (each needs only out and lse of the
 * other); beside other ranks on the GPU the first that can. In deterministic mode cuDNN is taken, in its ordered variant, after two runs have given the same bits; so it is with documents, which
 * the entry points of libtorch cannot keep apart. F32, for comparisons, is composed of ATen operations.
 */
final class AttentionKernels implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AttentionKernels.class);
    private static final int REPEATS = 3;
    /** How far results in bf16 may be apart by rounding. */
    private static final double AGREEMENT = 2e-2;
    private static final int SAMPLE = 1 << 20;

    private final CudaBackend backend;
    private final RopeKernels rope;
    private final List<Kind> kinds = new ArrayList<>();
    private final Map<Use, Kind> forward = new HashMap<>();
    private final Map<Use, Kind> backward = new HashMap<>();
    private final Map<String, String> remarks = new TreeMap<>();
    private final PortableOps portable = new PortableOps();

    AttentionKernels(CudaBackend backend, RopeKernels rope) {
        this.backend = backend;
        this.rope = rope;
        boolean deterministic = backend.settings().deterministic();
        offer("cuDNN", () -> new Direct(new CudnnAttention(backend.device(), backend.computeStream(), deterministic), false));
        if (!deterministic && !kinds.isEmpty() && kinds.get(0) instanceof Direct direct) {
            kinds.add(new Direct(direct.attention, true));
        }
        // libtorch's kernels have no ordered variant that this entry point reaches.
        if (!deterministic) {
            offer("FLASH", () -> new ByLibtorch(new FusedAttention(FusedAttention.Kind.FLASH, backend.settings().device())));
        }
        if (kinds.isEmpty() && !deterministic) {
            offer("CUDNN of libtorch",
                    () -> new ByLibtorch(new FusedAttention(FusedAttention.Kind.CUDNN, backend.settings().device())));
        }
    }

    private interface Opening {
        Kind open();
    }

    // A library that is missing or too old is no error as long as another one is there.
    private void offer(String name, Opening opening) {
        if (backend.computeType() != DType.BF16) {
            return;
        }
        try {
            kinds.add(opening.open());
        } catch (NativeException | UserError | UnsatisfiedLinkError e) {
            LOG.info("attention by {} is not at hand: {}", name, e.getMessage());
        }
    }

    /** Somebody's attention kernels. */
    private interface Kind extends AutoCloseable {
        String name();

        void forward(Tensor out, Tensor lse, Tensor qkv, Tensor documents, AttentionShape shape);

        /** Gradients before the rotation, in dqkv. */
        void backward(
                Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Tensor cos, Tensor sin, Tensor documents, AttentionShape shape);

        /** Whether every run uses the same addresses. */
        boolean fixed();

        /** Whether it is for sequences of one document, or for those of several. */
        boolean serves(Use use);

        @Override
        void close();
    }

    /** cuDNN without libtorch: gradients arrive packed and are turned back in place. Documents are masked, or computed in runs. */
    private final class Direct implements Kind {
        private final CudnnAttention attention;
        private final boolean runs;

        Direct(CudnnAttention attention, boolean runs) {
            this.attention = attention;
            this.runs = runs;
        }

        @Override
        public String name() {
            return "cuDNN " + CudnnAttention.version() + (runs ? " in runs" : "");
        }

        @Override
        public void forward(Tensor out, Tensor lse, Tensor qkv, Tensor documents, AttentionShape shape) {
            attention.forward(out, lse, qkv, documents, runs, shape);
        }

        @Override
        public void backward(
                Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Tensor cos, Tensor sin, Tensor documents, AttentionShape shape) {
            attention.backward(dqkv, dout, qkv, out, lse, documents, runs, shape);
            rope.rotate(dqkv, cos, sin, shape, true);
        }

        @Override
        public boolean fixed() {
            return true;
        }

        @Override
        public boolean serves(Use use) {
            return !runs || use.documents && attention.doesRuns(use.shape);
        }

        @Override
        public void close() {
            if (!runs) {
                attention.close();
            }
        }
    }

    /** Kernels of libtorch: it allocates the gradients, one pass packs and turns them. */
    private final class ByLibtorch implements Kind {
        private final FusedAttention attention;

        ByLibtorch(FusedAttention attention) {
            this.attention = attention;
        }

        @Override
        public String name() {
            return attention.kind() + " of libtorch";
        }

        @Override
        public void forward(Tensor out, Tensor lse, Tensor qkv, Tensor documents, AttentionShape shape) {
            attention.forward(out, lse, qkv, shape);
        }

        @Override
        public void backward(
                Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Tensor cos, Tensor sin, Tensor documents, AttentionShape shape) {
            FusedAttention.Gradients g = attention.backward(dout, qkv, out, lse, shape);
            rope.backwardPack(dqkv, strided(g, 0), strided(g, 1), strided(g, 2), cos, sin, shape, false);
            g.release();
        }

        // Gradients are libtorch's to allocate, somewhere else in every run.
        @Override
        public boolean fixed() {
            return false;
        }

        @Override
        public boolean serves(Use use) {
            return !use.documents;
        }

        private static RopeKernels.Strided strided(FusedAttention.Gradients g, int which) {
            return new RopeKernels.Strided(g.address(which), g.batchStride(which), g.positionStride(which), g.headStride(which));
        }

        @Override
        public void close() {
            attention.close();
        }
    }

    /** A shape, with documents or without. */
    private record Use(AttentionShape shape, boolean documents) {
        @Override
        public String toString() {
            return shape + (documents ? " within documents" : "");
        }
    }

    void forward(Tensor out, Tensor lse, Tensor qkv, Tensor documents, AttentionShape shape) {
        check(out, lse, qkv, documents, shape);
        if (qkv.dtype() == DType.F32) {
            portable.attention(out, lse, qkv, documents, shape);
            return;
        }
        Use use = new Use(shape, documents != null);
        Kind chosen = forward.get(use);
        if (chosen == null) {
            chosen = choose("forward", use, k -> k.forward(out, lse, qkv, documents, shape), out, lse);
            forward.put(use, chosen);
        }
        chosen.forward(out, lse, qkv, documents, shape);
    }

    void backward(Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Tensor cos, Tensor sin, Tensor documents, AttentionShape shape) {
        check(out, lse, qkv, documents, shape);
        check(dout, lse, dqkv, documents, shape);
        if (qkv.dtype() == DType.F32) {
            portable.attentionBackward(dqkv, dout, qkv, out, lse, cos, sin, documents, shape);
            return;
        }
        Use use = new Use(shape, documents != null);
        Kind chosen = backward.get(use);
        if (chosen == null) {
            chosen = choose("backward", use, k -> k.backward(dqkv, dout, qkv, out, lse, cos, sin, documents, shape), dqkv);
            if (backend.settings().deterministic()) {
                Kind kind = chosen;
                SameBits.require(backend, dqkv, () -> kind.backward(dqkv, dout, qkv, out, lse, cos, sin, documents, shape),
                        "attention backward by " + kind.name() + " of " + use);
            }
            backward.put(use, chosen);
            if (chosen.fixed() && forward.values().stream().allMatch(Kind::fixed)) {
                // The trials left libtorch with gradients' worth of memory that the plan does not count and nothing uses again.
                LibTorchCache.release();
            }
        }
        chosen.backward(dqkv, dout, qkv, out, lse, cos, sin, documents, shape);
    }

    private interface Work {
        void with(Kind kind);
    }

    private Kind choose(String pass, Use use, Work work, Tensor... results) {
        Kind best = null;
        double shortest = Double.MAX_VALUE;
        StringBuilder text = new StringBuilder();
        NativeException last = null;
        List<float[]> first = null;
        for (Kind kind : kinds) {
            if (!kind.serves(use)) {
                continue;
            }
            try {
                double ms = time(kind, work);
                if (use.documents && !backend.settings().deterministic()) {
                    List<float[]> got = Stream.of(results).map(this::sample).toList();
                    double apart = first == null ? 0 : apart(first, got);
                    first = first == null ? got : first;
                    // Two ways to the same end: what they do not agree on, the plainer one decides.
                    if (!(apart <= AGREEMENT)) {
                        text.append(' ').append(kind.name()).append(" is wrong;");
                        LOG.warn("{} is left out for {} attention of {}: its results are {} away from the others'", kind.name(), pass, use, apart);
                        continue;
                    }
                }
                text.append(String.format(Locale.ROOT, " %s %.3f ms;", kind.name(), ms));
                if (ms < shortest) {
                    shortest = ms;
                    best = kind;
                }
                if (backend.settings().deterministic() || backend.settings().shared()) {
                    break;
                }
            } catch (NativeException e) {
                last = e;
                text.append(' ').append(kind.name()).append(" cannot;");
                LOG.info("{} does not do {} attention of {}: {}", kind.name(), pass, use, e.getMessage());
            }
        }
        if (best == null) {
            throw UserError.environment("no attention kernels for " + use + " on " + backend.device().name() + ": "
                    + (last != null ? last.getMessage() : use.documents ? "data.document_mask needs cuDNN, which could not be opened" : backend.settings().deterministic()
                            ? "device.deterministic needs cuDNN, which could not be opened"
                            : "neither cuDNN nor libtorch's flash attention could be opened")
                    + (use.documents ? "; leave data.document_mask off on this GPU" + (backend.settings().deterministic() ? ", or device.deterministic" : "")
                            : "; see `longhaul doctor`"), last);
        }
        remarks.put(pass + " " + use, best.name() + " of" + text);
        LOG.debug("attention {} {}: {} of{}", pass, use, best.name(), text);
        return best;
    }

    // Elements from all over a tensor.
    private float[] sample(Tensor t) {
        int pieces = t.elements() <= SAMPLE ? 1 : 16;
        int piece = (int) Math.min(t.elements(), SAMPLE / pieces);
        float[] all = new float[pieces * piece];
        for (int p = 0; p < pieces; p++) {
            long from = pieces == 1 ? 0 : (t.elements() - piece) * p / (pieces - 1);
            System.arraycopy(Host.floats(backend, t.slice(from, from + piece)), 0, all, p * piece, piece);
        }
        return all;
    }

    // Relative to the size of the first, the worst of all results; infinite where one is no number.
    private static double apart(List<float[]> first, List<float[]> second) {
        double worst = 0;
        for (int r = 0; r < first.size(); r++) {
            double difference = 0;
            double norm = 0;
            for (int i = 0; i < first.get(r).length; i++) {
                double d = (double) second.get(r)[i] - first.get(r)[i];
                difference += d * d;
                norm += (double) first.get(r)[i] * first.get(r)[i];
            }
            double apart = difference == 0 ? 0 : Math.sqrt(difference / norm);
            worst = Math.max(worst, Double.isNaN(apart) ? Double.POSITIVE_INFINITY : apart);
        }
        return worst;
    }

    private double time(Kind kind, Work work) {
        double[] t = new double[REPEATS];
        try (CudaEvent start = backend.device().event(); CudaEvent end = backend.device().event()) {
            work.with(kind);
            for (int r = 0; r < REPEATS; r++) {
                start.record(backend.computeStream());
                work.with(kind);
                end.record(backend.computeStream());
                end.await();
                t[r] = end.millisecondsSince(start);
            }
        }
        Arrays.sort(t);
        return t[REPEATS / 2];
    }

    private static void check(Tensor out, Tensor lse, Tensor qkv, Tensor documents, AttentionShape shape) {
        Operands.require(out.elements() == shape.tokens() * shape.outWidth() && qkv.elements() == shape.tokens() * shape.qkvWidth()
                && lse.elements() == shape.tokens() * shape.heads(), "attention of " + shape, out, lse, qkv);
        Operands.type(DType.F32, "attention", lse);
        if (documents != null) {
            Operands.require(documents.elements() == new DocumentIndex(shape).elements(), "documents of attention of " + shape, documents);
            Operands.type(DType.I32, "documents of attention", documents);
        }
        Operands.require(out.dtype() == qkv.dtype(), "attention", out, qkv);
    }

    /** Why attention as it was chosen so far cannot be part of a graph. */
    Optional<String> hindersRecording() {
        if (backend.computeType() == DType.F32) {
            return Optional.of("attention in float32 is composed of libtorch's operators, which allocate their results");
        }
        return Stream.concat(forward.values().stream(), backward.values().stream()).filter(k -> !k.fixed()).findFirst()
                .map(k -> "attention by " + k.name() + " allocates its results in every run");
    }

    /** Which kernels each shape got. */
    String report() {
        StringBuilder text = new StringBuilder();
        remarks.forEach((k, v) -> text.append("attention ").append(k).append(": ").append(v).append('\n'));
        return text.toString();
    }

    @Override
    public void close() {
        kinds.forEach(Kind::close);
    }
}
