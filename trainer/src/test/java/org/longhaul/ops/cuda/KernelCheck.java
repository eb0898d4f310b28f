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
import org.longhaul.natives.NativeException;
import org.longhaul.tensor.DType;

/**
 * On a GPU: every operation against float64 with fresh random inputs, then {@link KernelBench}. Arguments:
 * {@code check} and/or {@code bench} (both by default), {@code quick} (few sizes, for a memory checker), {@code fp8} (time 8-bit layers
 * too), {@code shapes=1b,160m},
 * {@code only=WORDS} (operations whose name begins so), {@code without=NAME;NAME} (not these), {@code own} (none that runs libraries'
 * kernels), {@code out=FOLDER} for JSON lines, {@code seed=N}. Every operation is named before it runs; one that loses the device ends the
 * program. Exit code 1 when a check fails.
 */
public final class KernelCheck {
    private final Map<String, Double> worst = new LinkedHashMap<>();
    private final List<String> failures = new ArrayList<>();
    private final long seed;
    private final String only;
    private final List<String> without;
    private int done;

    private KernelCheck(long seed, String only, List<String> without) {
        this.seed = seed;
        this.only = only;
        this.without = without;
    }

    /** See the class. */
    public static void main(String[] arguments) throws Exception {
        List<String> a = List.of(arguments);
        boolean both = !a.contains("check") && !a.contains("bench");
        long seed = Long.parseLong(value(a, "seed", Long.toString(System.nanoTime())));
        System.out.println("seed " + seed);
        KernelCheck check = new KernelCheck(seed, value(a, "only", ""), List.of(value(a, "without", "").split(";")));
        if (both || a.contains("check")) {
            for (DType type : new DType[] {DType.BF16, DType.F32}) {
                try (CudaBackend backend = new CudaBackend(CudaSettings.standard(0).computing(type), CudaOps::new)) {
                    check.all(backend, a.contains("quick"), a.contains("own"));
                }
            }
        }
        if (both || a.contains("bench")) {
            try (CudaBackend backend = new CudaBackend(CudaSettings.standard(0), CudaOps::new)) {
                new KernelBench(backend, folder(a), a.contains("fp8")).run(shapes(a));
            }
        }
        boolean checked = both || a.contains("check");
        if (checked) {
            check.report();
        }
        System.exit(check.failures.isEmpty() && (check.done > 0 || !checked) ? 0 : 1);
    }

    /** What failed, each with its seed; for tests. */
    static List<String> failures(DType compute, long seed) {
        KernelCheck check = new KernelCheck(seed, "", List.of());
        try (CudaBackend backend = new CudaBackend(CudaSettings.standard(0).computing(compute), CudaOps::new)) {
            check.all(backend, false, false);
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

    private void all(CudaBackend backend, boolean quick, boolean own) {
        KernelCases.of(backend.computeType(), quick, own).forEach((name, checks) -> {
            if (name.startsWith(only) && !without.contains(name)) {
                System.out.println("checking " + name + ": " + checks.size() + " checks");
                checks.forEach(c -> on(backend, name, c));
            }
        });
    }

    private void on(CudaBackend backend, String name, ToDoubleFunction<Workbench> check) {
        long own = seed + done++;
        try (Workbench b = new Workbench(backend, own)) {
            worst.merge(name, check.applyAsDouble(b), Math::max);
        } catch (AssertionError | RuntimeException e) {
            failures.add(name + " (seed " + own + "): " + e);
            try {
                backend.synchronize();
            } catch (NativeException lost) {
                // Whatever else is asked of the device fails from here on and would hide what did it.
                throw new IllegalStateException("the device is lost since " + name + " (seed " + own + ")", e);
            }
        }
    }

    private void report() {
        System.out.println(done + " checks, " + failures.size() + " failed; largest relative error by operation:");
        worst.forEach((k, v) -> System.out.printf(Locale.ROOT, "  %-34s %.2g%n", k, v));
        failures.stream().limit(25).forEach(f -> System.out.println("FAILED " + (f.length() > 400 ? f.substring(0, 400) : f)));
    }
}
