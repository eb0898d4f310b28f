package org.longhaul.ops.cuda;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.longhaul.ops.AttentionShape;
import org.longhaul.tensor.DType;

/** What {@link KernelCheck} runs, by operation; every check returns the largest relative error it saw. */
final class KernelCases {
    private final Map<String, List<ToDoubleFunction<Workbench>>> checks = new LinkedHashMap<>();
    private final DType compute;
    private final boolean quick;

    private KernelCases(DType compute, boolean quick) {
        this.compute = compute;
        this.quick = quick;
    }

    /** The operations that are kernels of our own, then those made of libraries' kernels unless only the own are wanted. */
    static Map<String, List<ToDoubleFunction<Workbench>>> of(DType compute, boolean quick, boolean own) {
        KernelCases cases = new KernelCases(compute, quick);
        cases.passes();
        cases.loss();
        cases.tokens();
        cases.optimizer();
        if (compute == DType.BF16) {
            cases.quantisation();
        }
        if (!own) {
            cases.products();
            cases.attention();
        }
        return cases.checks;
    }

    private void on(String operation, ToDoubleFunction<Workbench> check) {
        checks.computeIfAbsent(operation + " " + compute, o -> new ArrayList<>()).add(check);
    }

    /** With grids as for two multiprocessors: blocks walk many rows, as they do at a model's size, of a check that is small. */
    private void onFewBlocks(String operation, ToDoubleFunction<Workbench> check) {
        on(operation + ", few blocks", b -> {
            CudaOps ops = (CudaOps) b.backend().ops();
            ops.grids(2);
            try {
                return check.applyAsDouble(b);
            } finally {
                ops.grids(0);
            }
        });
    }

    private void passes() {
        int[] tokens = quick ? new int[] {7} : new int[] {1, 7, 129};
        int[] widths = quick ? new int[] {70, 768, 2048} : new int[] {64, 70, 192, 768, 1024, 2048, 4096, 5120, 8192, 17000};
        int alias = 0;
        for (int t : tokens) {
            for (int d : widths) {
                int k = alias++ % 4;
                on("rmsNorm", b -> OpsChecks.norms(b, t, d, 0));
                on("rmsNormBackward", b -> OpsChecks.normBackward(b, t, d, 0, k));
                on("swiglu", b -> OpsChecks.swiglu(b, t, d, 0));
            }
        }
        on("rmsNorm", b -> OpsChecks.norms(b, 5, 192, 1));
        on("rmsNormBackward", b -> OpsChecks.normBackward(b, 5, 192, 1, 1));
        if (!quick) {
            on("rmsNormBackward", b -> OpsChecks.normBackward(b, 5000, 768, 0, 2));
            on("rmsNormBackward", b -> OpsChecks.normBackward(b, 3000, 2048, 0, 0));
        }
        for (int d : quick ? new int[] {70, 200, 768, 2048, 4096} : new int[] {8, 70, 200, 768, 1000, 2048, 3072, 4096, 5120, 8192, 16384}) {
            for (int t : new int[] {37, 75}) {
                onFewBlocks("rmsNormBackward", b -> OpsChecks.normBackward(b, t, d, 0, (t + d / 8) % 4));
            }
        }
        on("swiglu", b -> OpsChecks.swiglu(b, 129, 13, 1));
    }

    private void loss() {
        int[] vocabularies = quick ? new int[] {1000, 50257} : new int[] {1000, 50257, 102400};
        for (int v : vocabularies) {
            for (int t : quick ? new int[] {3} : new int[] {1, 7, 33}) {
                on("crossEntropy", b -> LossChecks.whole(b, t, v, 0));
            }
            on("crossEntropy", b -> LossChecks.whole(b, 2, v, 1));
            on("vocabulary-parallel", b -> LossChecks.parallel(b, 7, v, v / 3));
        }
        for (int v : quick ? new int[] {1000, 16001} : new int[] {100, 1000, 16001, 50257, 102400}) {
            onFewBlocks("crossEntropy", b -> LossChecks.whole(b, v > 20_000 ? 9 : 31, v, 0));
        }
        onFewBlocks("crossEntropy", b -> LossChecks.whole(b, 9, 1001, 1));
    }

    private void tokens() {
        int[][] tables = {{1, 3, 8, 0}, {129, 50, 64, 0}, {5000, 10, 16, 7}, {700, 1000, 24, 2000}, {77, 40, 13, 3}, {4096, 5000, 768, 0}};
        for (int[] e : tables) {
            on("embedding", b -> OpsChecks.embedding(b, e[0], e[1], e[2], e[3], e[0] % 2 == 1 || e[0] == 5000));
        }
        onFewBlocks("embedding", b -> OpsChecks.embedding(b, 700, 1000, 24, 2000, false));
        for (AttentionShape s : new AttentionShape[] {
            new AttentionShape(1, 1, 1, 1, 2), new AttentionShape(2, 7, 12, 12, 64), new AttentionShape(3, 129, 8, 2, 128),
            new AttentionShape(1, 129, 3, 1, 10), new AttentionShape(2, 9, 7, 7, 80)
        }) {
            on("rope", b -> OpsChecks.rope(b, s));
            for (int layout = 0; layout < 4; layout++) {
                boolean byHeads = layout % 2 == 0;
                boolean expanded = layout > 1;
                on("rope backward", b -> OpsChecks.ropePack(b, ((CudaOps) b.backend().ops()).ropeKernels(), s, byHeads, expanded));
            }
        }
    }

    private void optimizer() {
        for (int n : new int[] {1, 7, 129, 1023, 5000, quick ? 20_000 : 3_000_001}) {
            on("adamW", b -> OpsChecks.adamW(b, n, DType.F32, true));
            on("adamW bf16 moments", b -> OpsChecks.adamW(b, n, DType.BF16, true));
            on("flat", b -> OpsChecks.flat(b, n, 0));
        }
        on("adamW", b -> OpsChecks.adamW(b, 3000, DType.F32, false));
        on("flat", b -> OpsChecks.flat(b, 1001, 1));
        onFewBlocks("flat", b -> OpsChecks.flat(b, 50_000, 0));
        on("clipFactor", b -> {
            OpsChecks.clip(b);
            return 0;
        });
    }

    private void quantisation() {
        for (DType type : new DType[] {DType.F8_E4M3, DType.F8_E5M2}) {
            on("fp8 quantisation", b -> Fp8Checks.quantise(b, ((CudaOps) b.backend().ops()).fp8Kernels(), 272, 208, type, 1));
            on("fp8 quantisation", b -> Fp8Checks.quantise(b, ((CudaOps) b.backend().ops()).fp8Kernels(), 16, 16, type, 0));
        }
    }

    private void products() {
        for (int[] m : new int[][] {{1, 64, 192}, {7, 192, 64}, {129, 768, 320}, {256, 256, 1000}}) {
            on("linear", b -> MatrixChecks.linear(b, m[0], m[1], m[2]));
        }
        if (compute == DType.BF16) {
            on("fp8 linear", b -> Fp8Checks.linear(b, b.backend().ops().inFp8(), 128, 256, 512));
            on("fp8 linear", b -> Fp8Checks.linear(b, b.backend().ops().inFp8(), 272, 208, 144));
            on("fp8 linear", b -> Fp8Checks.twoLayers(b, b.backend().ops().inFp8(), 160, 96, 256));
        }
    }

    private void attention() {
        for (AttentionShape s : new AttentionShape[] {
            new AttentionShape(1, 8, 1, 1, 64), new AttentionShape(2, 129, 4, 4, 64), new AttentionShape(2, 256, 4, 2, 128),
            new AttentionShape(1, 512, 2, 1, 128), new AttentionShape(3, 192, 6, 2, 64), new AttentionShape(1, 640, 8, 1, 128)
        }) {
            on("attention", b -> MatrixChecks.attention(b, s));
            for (int longest : new int[] {3, 200}) {
                on("attention in documents", b -> MatrixChecks.documents(b, s, longest));
                if (compute == DType.BF16) {
                    on("attention, documents masked", b -> MatrixChecks.documents(b, false, false, s, longest));
                    on("attention, masked, ordered", b -> MatrixChecks.documents(b, false, true, s, longest));
                    on("attention, runs of documents", b -> MatrixChecks.documents(b, true, false, s, longest));
                }
            }
        }
    }
}
