package org.longhaul.ops.cuda;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.cuda.CudaSettings;
import org.longhaul.ops.AttentionShape;
import org.longhaul.tensor.DType;

/**
 * On a GPU: every operation against float64 with fresh random inputs, then {@link KernelBench}. Arguments:
 * {@code check} and/or {@code bench} (both by default), {@code quick} (few sizes, for a memory checker), {@code fp8} (time 8-bit layers
 * too), {@code shapes=1b,160m},
 * {@code only=WORDS} (checks whose name begins so), {@code out=FOLDER} for JSON lines, {@code seed=N}. Exit code 1 when a check fails.
 * {@code variants} instead of both: {@link VariantBench} and {@link NormBeside}, for the operations {@code only=WORDS}, {@code without=NAME,NAME}.
 */
public final class KernelCheck {
    private final Map<String, Double> worst = new LinkedHashMap<>();
    private final List<String> failures = new ArrayList<>();
    private final long seed;
    private final String only;
    private int done;

    private KernelCheck(long seed, String only) {
        this.seed = seed;
        this.only = only;
    }

    /** See the class. */
    public static void main(String[] arguments) throws Exception {
        List<String> a = List.of(arguments);
        boolean both = !a.contains("check") && !a.contains("bench");
        long seed = Long.parseLong(value(a, "seed", Long.toString(System.nanoTime())));
        System.out.println("seed " + seed);
        if (a.contains("variants")) {
            try (CudaBackend backend = new CudaBackend(CudaSettings.standard(0), CudaOps::new)) {
                if ("sumOfSquares".startsWith(value(a, "only", ""))) {
                    new NormBeside(backend, a.contains("quick")).run();
                }
                System.exit(new VariantBench(backend, seed, a.contains("quick"), folder(a)).run(shapes(a), value(a, "only", ""),
                        List.of(value(a, "without", "").split(","))) ? 0 : 1);
            }
        }
        KernelCheck check = new KernelCheck(seed, value(a, "only", ""));
        if (both || a.contains("check")) {
            for (DType type : new DType[] {DType.BF16, DType.F32}) {
                try (CudaBackend backend = new CudaBackend(CudaSettings.standard(0).computing(type), CudaOps::new)) {
                    check.all(backend, a.contains("quick"));
                }
            }
        }
        if (both || a.contains("bench")) {
            try (CudaBackend backend = new CudaBackend(CudaSettings.standard(0), CudaOps::new)) {
                new KernelBench(backend, folder(a), a.contains("fp8")).run(shapes(a));
            }
        }
        check.report();
        if (check.done == 0 && (both || a.contains("check"))) {
            System.out.println("no check is called " + check.only);
        }
        System.exit(check.failures.isEmpty() && (check.done > 0 || !both && !a.contains("check")) ? 0 : 1);
    }

    /** What failed, each with its seed; for tests. */
    static List<String> failures(DType compute, long seed) {
        KernelCheck check = new KernelCheck(seed, "");
        try (CudaBackend backend = new CudaBackend(CudaSettings.standard(0).computing(compute), CudaOps::new)) {
            check.all(backend, false);
        }
        return check.failures;
    }

    private static String value(List<String> arguments, String key, String otherwise) {
        return arguments.stream().filter(s -> s.startsWith(key + "=")).map(s -> s.substring(key.length() + 1)).findFirst()
                .orElse(otherwise);
    }

    private static List<String> shapes(List<String> arguments) {
        return List.of(value(arguments, "shapes", "160m,1b,7b8").split(","));
    }

    private static Path folder(List<String> arguments) {
        String out = value(arguments, "out", "");
        return out.isEmpty() ? null : Path.of(out);
    }

    private void all(CudaBackend backend, boolean quick) {
        int[] tokens = quick ? new int[] {7} : new int[] {1, 7, 129};
        int[] widths = quick ? new int[] {70, 768, 2048} : new int[] {64, 70, 192, 768, 1024, 2048, 4096, 5120, 8192, 17000};
        int alias = 0;
        for (int t : tokens) {
            for (int d : widths) {
                int k = alias++ % 4;
                on(backend, "rmsNorm", b -> OpsChecks.norms(b, t, d, 0));
                on(backend, "rmsNormBackward", b -> OpsChecks.normBackward(b, t, d, 0, k));
                on(backend, "swiglu", b -> OpsChecks.swiglu(b, t, d, 0));
            }
        }
        on(backend, "rmsNorm", b -> OpsChecks.norms(b, 5, 192, 1));
        on(backend, "rmsNormBackward", b -> OpsChecks.normBackward(b, 5, 192, 1, 1));
        on(backend, "rmsNormBackward", b -> OpsChecks.normBackward(b, quick ? 40 : 5000, 768, 0, 2));
        on(backend, "rmsNormBackward", b -> OpsChecks.normBackward(b, quick ? 40 : 3000, 2048, 0, 0));
        on(backend, "swiglu", b -> OpsChecks.swiglu(b, 129, 13, 1));
        int[] vocabularies = quick ? new int[] {1000, 50257} : new int[] {1000, 50257, 102400};
        for (int v : vocabularies) {
            for (int t : quick ? new int[] {3} : new int[] {1, 7, 33}) {
                on(backend, "crossEntropy", b -> LossChecks.whole(b, t, v, 0));
            }
            on(backend, "crossEntropy", b -> LossChecks.whole(b, 2, v, 1));
            on(backend, "vocabulary-parallel", b -> LossChecks.parallel(b, 7, v, v / 3));
        }
        for (int[] e : new int[][] {{1, 3, 8, 0}, {129, 50, 64, 0}, {5000, 10, 16, 7}, {700, 1000, 24, 2000}, {77, 40, 13, 3},
            {4096, 5000, 768, 0}}) {
            on(backend, "embedding", b -> OpsChecks.embedding(b, e[0], e[1], e[2], e[3], e[0] % 2 == 1 || e[0] == 5000));
        }
        for (AttentionShape s : new AttentionShape[] {
            new AttentionShape(1, 1, 1, 1, 2), new AttentionShape(2, 7, 12, 12, 64), new AttentionShape(3, 129, 8, 2, 128),
            new AttentionShape(1, 129, 3, 1, 10), new AttentionShape(2, 9, 7, 7, 80)
        }) {
            on(backend, "rope", b -> OpsChecks.rope(b, s));
            for (int layout = 0; layout < 4; layout++) {
                boolean byHeads = layout % 2 == 0;
                boolean expanded = layout > 1;
                on(backend, "rope backward", b -> OpsChecks.ropePack(b, ((CudaOps) backend.ops()).ropeKernels(), s, byHeads, expanded));
            }
        }
        for (int n : new int[] {1, 7, 129, 5000, quick ? 20_000 : 3_000_001}) {
            on(backend, "adamW", b -> OpsChecks.adamW(b, n, DType.F32, true));
            on(backend, "adamW bf16 moments", b -> OpsChecks.adamW(b, n, DType.BF16, true));
            on(backend, "flat", b -> OpsChecks.flat(b, n, 0));
        }
        on(backend, "adamW", b -> OpsChecks.adamW(b, 100, DType.F32, false));
        on(backend, "flat", b -> OpsChecks.flat(b, 1001, 1));
        on(backend, "clipFactor", b -> {
            OpsChecks.clip(b);
            return 0;
        });
        for (int[] m : new int[][] {{1, 64, 192}, {7, 192, 64}, {129, 768, 320}, {256, 256, 1000}}) {
            on(backend, "linear", b -> MatrixChecks.linear(b, m[0], m[1], m[2]));
        }
        if (backend.computeType() == DType.BF16) {
            Fp8Kernels fp8 = ((CudaOps) backend.ops()).fp8Kernels();
            for (DType type : new DType[] {DType.F8_E4M3, DType.F8_E5M2}) {
                on(backend, "fp8 quantisation", b -> Fp8Checks.quantise(b, fp8, 272, 208, type, 1));
                on(backend, "fp8 quantisation", b -> Fp8Checks.quantise(b, fp8, 16, 16, type, 0));
            }
            on(backend, "fp8 linear", b -> Fp8Checks.linear(b, b.backend().ops().inFp8(), 128, 256, 512));
            on(backend, "fp8 linear", b -> Fp8Checks.linear(b, b.backend().ops().inFp8(), 272, 208, 144));
            on(backend, "fp8 linear", b -> Fp8Checks.twoLayers(b, b.backend().ops().inFp8(), 160, 96, 256));
        }
        for (AttentionShape s : new AttentionShape[] {
            new AttentionShape(1, 8, 1, 1, 64), new AttentionShape(2, 129, 4, 4, 64), new AttentionShape(2, 256, 4, 2, 128),
            new AttentionShape(1, 512, 2, 1, 128), new AttentionShape(3, 192, 6, 2, 64), new AttentionShape(1, 640, 8, 1, 128)
        }) {
            on(backend, "attention", b -> MatrixChecks.attention(b, s));
            for (int longest : new int[] {3, 200}) {
                on(backend, "attention in documents", b -> MatrixChecks.documents(b, s, longest));
                if (backend.computeType() == DType.BF16) {
                    on(backend, "attention, documents masked", b -> MatrixChecks.documents(b, false, false, s, longest));
                    on(backend, "attention, masked, ordered", b -> MatrixChecks.documents(b, false, true, s, longest));
                    on(backend, "attention, runs of documents", b -> MatrixChecks.documents(b, true, false, s, longest));
                }
            }
        }
    }

    private void on(CudaBackend backend, String group, ToDoubleFunction<Workbench> check) {
        String name = group + " " + backend.computeType();
        if (!group.startsWith(only)) {
            return;
        }
        long own = seed + done++;
        try (Workbench b = new Workbench(backend, own)) {
            worst.merge(name, check.applyAsDouble(b), Math::max);
        } catch (AssertionError | RuntimeException e) {
            failures.add(name + " (seed " + own + "): " + e);
        }
    }

    private void report() {
        if (done > 0) {
            System.out.println(done + " checks, " + failures.size() + " failed; largest relative error by operation:");
            worst.forEach((k, v) -> System.out.printf(Locale.ROOT, "  %-28s %.2g%n", k, v));
        }
        failures.stream().limit(25).forEach(f -> System.out.println("FAILED " + (f.length() > 400 ? f.substring(0, 400) : f)));
    }
}
