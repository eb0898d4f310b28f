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
    private final Kernel axpy;
    private final Kernel scaleF32;
    private final Kernel scaleBf16;
    private final Kernel castToBf16;
    private final Kernel castToF32;
    private final Kernel copyF32;
    private final Kernel copyBf16;
    private final Kernel swiglu;
    private final Kernel swigluBackward;

    ElementwiseKernels(KernelProvider provider) {
        compute = provider.computeType();
        add = provider.kernel("elementwise", "add_elements");
        axpy = provider.kernel("elementwise", "axpy_f32");
        scaleF32 = provider.kernel("elementwise", "scale_f32");
        scaleBf16 = provider.kernel("elementwise", "scale_bf16");
        castToBf16 = provider.kernel("elementwise", "cast_f32_bf16");
        castToF32 = provider.kernel("elementwise", "cast_bf16_f32");
        copyF32 = provider.kernel("elementwise", "cast_f32_f32");
        copyBf16 = provider.kernel("elementwise", "cast_bf16_bf16");
        swiglu = provider.kernel("swiglu", "swiglu");
        swigluBackward = provider.kernel("swiglu", "swiglu_backward");
    }

    void add(Tensor y, Tensor x, Tensor delta) {
        Operands.sameElements("add", y, x);
        Operands.sameElements("add", y, delta);
        Operands.type(compute, "add", y, x, delta);
        flat(add.pointer(y).pointer(x).pointer(delta), y.elements(), aligned(y, x, delta));
    }

    void axpy(Tensor y, Tensor x, double alpha) {
        Operands.sameElements("axpy", y, x);
        Operands.type(DType.F32, "axpy", y, x);
        flat(axpy.pointer(y).pointer(x).float32((float) alpha), y.elements(), aligned(y, x));
    }

    void scale(Tensor x, Tensor factor) {
        Operands.type(DType.F32, "factor of scale", factor);
        Operands.require(x.dtype() == DType.F32 || x.dtype() == DType.BF16, "scale", x);
        Kernel k = x.dtype() == DType.F32 ? scaleF32 : scaleBf16;
        flat(k.pointer(x).pointer(factor), x.elements(), aligned(x));
    }

    void cast(Tensor destination, Tensor source) {
        Operands.sameElements("cast", destination, source);
        boolean fromF32 = source.dtype() == DType.F32;
        boolean toF32 = destination.dtype() == DType.F32;
        Operands.require((fromF32 || source.dtype() == DType.BF16) && (toF32 || destination.dtype() == DType.BF16),
                "cast between F32 and BF16", destination, source);
        Kernel k = toF32 ? fromF32 ? copyF32 : castToF32 : fromF32 ? castToBf16 : copyBf16;
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
