package org.longhaul.ops.cuda;

import static org.longhaul.ops.cuda.Operands.aligned;
import static org.longhaul.ops.cuda.Operands.flag;

import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/** Flat passes and SwiGLU. */
final class ElementwiseKernels {
    private static final int THREADS = 256;
    private static final int PER_THREAD = 8;

    private final DType compute;
    private final Kernel add;
    private final Kernel castToBf16;
    private final Kernel copyF32;
    private final Kernel swiglu;
    private final Kernel swigluBackward;

    ElementwiseKernels(KernelProvider provider) {
        compute = provider.computeType();
        add = provider.kernel("elementwise", "add_elements");
        castToBf16 = provider.kernel("elementwise", "cast_f32_bf16");
        copyF32 = provider.kernel("elementwise", "cast_f32_f32");
        swiglu = provider.kernel("swiglu", "swiglu");
        swigluBackward = provider.kernel("swiglu", "swiglu_backward");
    }

    void add(Tensor y, Tensor x, Tensor delta) {
        Operands.sameElements("add", y, x);
        Operands.sameElements("add", y, delta);
        Operands.type(compute, "add", y, x, delta);
        flat(add.pointer(y).pointer(x).pointer(delta), y.elements(), aligned(y, x, delta));
    }

    void cast(Tensor destination, Tensor source) {
        Operands.sameElements("cast", destination, source);
        Operands.type(DType.F32, "source of cast", source);
        Operands.require(destination.dtype() == DType.F32 || destination.dtype() == DType.BF16, "cast to F32 or BF16", destination);
        Kernel k = destination.dtype() == DType.F32 ? copyF32 : castToBf16;
        flat(k.pointer(destination).pointer(source), source.elements(), aligned(destination, source));
    }

    private static void flat(Kernel kernel, long n, boolean vector) {
        kernel.int64(n).int32(flag(vector)).cover((n + PER_THREAD - 1) / PER_THREAD, THREADS);
    }

    void swiglu(Tensor h, Tensor gateUp) {
        int width = glu("swiglu", h, gateUp, h, gateUp);
        Operands.type(compute, "swiglu", h, gateUp);
        chunks(swiglu.pointer(h).pointer(gateUp), h, width);
    }

    void swigluBackward(Tensor dGateUp, Tensor h, Tensor dh, Tensor gateUp) {
        Operands.sameElements("swigluBackward", dGateUp, gateUp);
        Operands.require(h == null || h.elements() == dh.elements(), "swigluBackward", h, dh);
        Operands.type(compute, "swigluBackward", dGateUp, h, dh, gateUp);
        int width = glu("swigluBackward", dh, gateUp, dGateUp, h);
        chunks(swigluBackward.pointer(dGateUp).pointer(h).pointer(dh).pointer(gateUp), dh, width);
    }

    private static int glu(String what, Tensor h, Tensor gateUp, Tensor other, Tensor another) {
        Operands.require(gateUp.size(-1) == 2 * h.size(-1) && gateUp.elements() == 2 * h.elements(), what, h, gateUp);
        return h.size(-1) % PER_THREAD == 0 && aligned(h, gateUp, other, another) ? PER_THREAD : 1;
    }

    private static void chunks(Kernel kernel, Tensor h, int width) {
        int perRow = (int) (h.size(-1) / width);
        long all = h.elements() / width;
        kernel.int32(perRow).int32(Operands.count(all, "swiglu chunks")).int32(width).cover(all, THREADS);
    }
}
