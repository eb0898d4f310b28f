package org.longhaul.ops.cuda;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.longhaul.ops.AttentionShape;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/**
 * The GPU's operations with linear layers in 8-bit floats: activations and weights e4m3, gradients e5m2, one scale per tensor
 * taken from the tensor itself (Micikevicius et al. 2022), products summed in F32, weight gradients straight into F32. Weights
 * are quantised in every forward; the turned copy made there serves the backward of the same micro-batch. Shapes that are no
 * multiples of 16 are done in the compute type.
 */
final class Fp8Ops extends KernelOps {
    private static final DType FORWARD = DType.F8_E4M3;
    private static final DType GRADIENT = DType.F8_E5M2;

    private final Backend backend;
    private final KernelOps plain;
    private final Fp8Kernels kernels;
    private final ScaledProduct products;
    private final Map<Long, Weight> weights = new HashMap<>();
    private final List<Arena> retired = new ArrayList<>();
    private final Scale first;
    private final Scale gradient;
    private final Scale second;
    // Which gradient the turned 8-bit copy in the scratch belongs to: used once, by the weight gradient that follows.
    private long turnedGradient;
    private Arena scratch;

    /** D = C + scaleA · scaleB · A·Bᵀ; A[M,K] and B[N,K] in 8 bits, C (null, or D itself) and D in the compute type or F32. */
    interface ScaledProduct {
        void multiply(Tensor d, Tensor c, Tensor a, Tensor scaleA, Tensor b, Tensor scaleB);
    }

    /** A weight's 8-bit copies, [N,K] and [K,N]. */
    private record Weight(Tensor rows, Tensor turned, Scale scale) {}

    /**
     * The factor of a quantisation and its inverse, F32[1] each. The inverse is what the products read, and cuBLASLt since 12.9 refuses
     * a scale that does not lie at a multiple of 16 bytes, so each has a slot of its own.
     */
    private record Scale(Tensor factor, Tensor inverse) {
        static final long BYTES = 2 * Arena.ALIGNMENT;

        static Scale at(Arena arena, String name, long offset) {
            return new Scale(arena.tensor(name, offset, DType.F32, 1), arena.tensor(name + " undone", offset + Arena.ALIGNMENT, DType.F32, 1));
        }
    }

    Fp8Ops(Backend backend, KernelOps plain, Fp8Kernels kernels, ScaledProduct products) {
        super(plain);
        this.backend = backend;
        this.plain = plain;
        this.kernels = kernels;
        this.products = products;
        Arena arena = backend.allocate("fp8 scales", 3 * Scale.BYTES);
        retired.add(arena);
        this.first = Scale.at(arena, "fp8 scale", 0);
        this.gradient = Scale.at(arena, "fp8 scale of a gradient", Scale.BYTES);
        this.second = Scale.at(arena, "fp8 scale of an input", 2 * Scale.BYTES);
    }

    private static boolean fits(Tensor y, Tensor x, Tensor w) {
        return y.size(0) % Fp8Kernels.MULTIPLE == 0 && w.size(0) % Fp8Kernels.MULTIPLE == 0 && w.size(1) % Fp8Kernels.MULTIPLE == 0
                && Operands.aligned(y, x, w);
    }

    @Override
    public void linear(Tensor y, Tensor x, Tensor w) {
        if (fits(y, x, w)) {
            forward(y, null, x, w);
        } else {
            plain.linear(y, x, w);
        }
    }

    @Override
    public void linear(Tensor y, Tensor x, Tensor w, Tensor residual) {
        if (fits(y, x, w) && Operands.aligned(residual)) {
            Operands.sameElements("linear with a residual", y, residual);
            forward(y, residual, x, w);
        } else {
            plain.linear(y, x, w, residual);
        }
    }

    private void forward(Tensor y, Tensor residual, Tensor x, Tensor w) {
        Weight q = weights.computeIfAbsent(w.address(), a -> weight(w));
        quantise(q.rows, q.turned, w, q.scale);
        turnedGradient = 0;
        Tensor x8 = room(0, FORWARD, x.size(0), x.size(1), x.elements());
        quantise(x8, null, x, first);
        products.multiply(y, residual, x8, first.inverse, q.rows, q.scale.inverse);
    }

    @Override
    public void linearBackwardInput(Tensor dx, Tensor dy, Tensor w, boolean accumulate) {
        Weight q = weights.get(w.address());
        if (q == null || !fits(dy, dx, w)) {
            plain.linearBackwardInput(dx, dy, w, accumulate);
            return;
        }
        long n = dy.elements();
        Tensor dy8 = room(0, GRADIENT, dy.size(0), dy.size(1), 2 * n);
        Tensor turned = room(n, GRADIENT, dy.size(1), dy.size(0), 2 * n);
        quantise(dy8, turned, dy, gradient);
        turnedGradient = dy.address();
        products.multiply(dx, accumulate ? dx : null, dy8, gradient.inverse, q.turned, q.scale.inverse);
    }

    @Override
    public void linearBackwardWeight(Tensor dw, Tensor dy, Tensor x, boolean accumulate) {
        if (!fits(dy, x, dw)) {
            plain.linearBackwardWeight(dw, dy, x, accumulate);
            return;
        }
        long n = dy.elements();
        long need = 2 * n + x.elements();
        boolean kept = turnedGradient == dy.address() && scratch.bytes() >= Arena.align(need);
        Tensor turned = room(n, GRADIENT, dy.size(1), dy.size(0), need);
        if (!kept) {
            quantise(null, turned, dy, gradient);
        }
        turnedGradient = 0;
        Tensor x8 = room(2 * n, FORWARD, x.size(1), x.size(0), need);
        quantise(null, x8, x, second);
        products.multiply(dw, accumulate ? dw : null, turned, gradient.inverse, x8, second.inverse);
    }

    @Override
    public void attention(Tensor out, Tensor lse, Tensor qkv, Tensor documents, AttentionShape shape) {
        plain.attention(out, lse, qkv, documents, shape);
    }

    @Override
    public void attentionBackward(
            Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Tensor cos, Tensor sin, Tensor documents, AttentionShape shape) {
        plain.attentionBackward(dqkv, dout, qkv, out, lse, cos, sin, documents, shape);
    }

    private Weight weight(Tensor w) {
        long bytes = Arena.align(w.elements());
        Arena arena = backend.allocate("fp8 copies of " + w.name(), 2 * bytes + Scale.BYTES);
        retired.add(arena);
        return new Weight(arena.tensor(w.name() + " fp8", 0, FORWARD, w.size(0), w.size(1)),
                arena.tensor(w.name() + " fp8 turned", bytes, FORWARD, w.size(1), w.size(0)),
                Scale.at(arena, w.name() + " fp8 scale", 2 * bytes));
    }

    private void quantise(Tensor out, Tensor transposed, Tensor x, Scale scale) {
        kernels.quantise(out, transposed, x, scale.factor, scale.inverse);
    }

    // A cut of the scratch at a byte offset; the scratch grows while shapes are still new; what a graph may point at stays.
    private Tensor room(long offset, DType type, long rows, long columns, long total) {
        if (scratch == null || scratch.bytes() < Arena.align(total)) {
            if (scratch != null && backend.hasRecorded()) {
                retired.add(scratch);
            } else if (scratch != null) {
                scratch.close();
            }
            scratch = null;
            scratch = backend.allocate("fp8 scratch", Arena.align(total));
        }
        return scratch.tensor("fp8 scratch", offset, type, rows, columns);
    }

    /** Frees the 8-bit copies. */
    void close() {
        retired.forEach(Arena::close);
        if (scratch != null) {
            scratch.close();
        }
    }
}
