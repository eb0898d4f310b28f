package org.longhaul.ops.cuda;

import static org.longhaul.ops.cuda.Operands.aligned;
import static org.longhaul.ops.cuda.Operands.flag;

import org.longhaul.ops.AdamWStep;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/** AdamW over flat ranges; moments in F32, or in BF16 with stochastic rounding to save memory. */
final class OptimizerKernels {
    private static final int THREADS = 256;
    private static final int PER_THREAD = 4;

    private final DType compute;
    private final Kernel adamW;
    private final Kernel adamWBf16;

    OptimizerKernels(KernelProvider provider) {
        compute = provider.computeType();
        adamW = provider.kernel("adamw", "adamw");
        adamWBf16 = provider.kernel("adamw", "adamw_bf16_moments");
    }

    void adamW(AdamWStep step, Tensor master, Tensor gradient, Tensor first, Tensor second, Tensor weights, Tensor clip) {
        String what = "adamW";
        Operands.sameElements(what, master, gradient);
        Operands.sameElements(what, master, first);
        Operands.sameElements(what, master, second);
        Operands.type(DType.F32, what, master, gradient, clip);
        Operands.require(first.dtype() == second.dtype() && (first.dtype() == DType.F32 || first.dtype() == DType.BF16), what, first, second);
        Operands.require(clip.elements() >= 3, what, clip);
        Tensor copy = weights != null && weights.address() == master.address() ? null : weights;
        if (copy != null) {
            Operands.sameElements(what, master, copy);
            Operands.type(compute, what, copy);
        }
        double correction1 = 1 - Math.pow(step.beta1(), step.step());
        double correction2 = 1 - Math.pow(step.beta2(), step.step());
        long n = master.elements();
        boolean aligned = aligned(master, gradient, first) && aligned(second, copy);
        Kernel k = first.dtype() == DType.F32 ? adamW : adamWBf16;
        k.pointer(master).pointer(gradient).pointer(first).pointer(second).pointer(copy).pointer(clip);
        k.float32((float) step.beta1()).float32((float) (1 - step.beta1()));
        k.float32((float) step.beta2()).float32((float) (1 - step.beta2())).float32((float) step.epsilon());
        k.float32((float) (1 - step.learningRate() * step.weightDecay())).float32((float) (step.learningRate() / correction1));
        k.float32((float) (1 / Math.sqrt(correction2))).int32(Long.hashCode(step.step() * 0x9E3779B97F4A7C15L));
        k.int64(n).int32(flag(aligned));
        k.cover((n + PER_THREAD - 1) / PER_THREAD, THREADS);
    }
}
