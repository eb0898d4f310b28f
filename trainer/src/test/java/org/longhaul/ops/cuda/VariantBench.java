package org.longhaul.ops.cuda;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.function.ToDoubleFunction;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.natives.CudaEvent;
import org.longhaul.natives.CudaGraph;
import org.longhaul.ops.AdamWStep;
import org.longhaul.ops.cuda.KernelCandidates.Candidate;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/**
 * Decides between the kernels of an operation: each is held against float64, then all of them are timed in turn at the shapes of the
 * models, on a card made hot by matrix products before every round, over buffers larger than the L2; their results at these shapes must
 * agree with the standard's. One that does not compile, errs or differs is named and left out.
 */
final class VariantBench {
    private static final int CALLS = 8;
    private static final int ROUNDS = 25;
    private static final long ROTATE_BYTES = 400L << 20;
    private static final int HEAT = 24;
    /** Checks take the grids of so many multiprocessors, so that blocks walk rows. */
    private static final int SMALL_GRID = 1;
    private static final int LOSS_ROWS = 8192;
    private static final long PARAMETERS = 96L << 20;
    /** What must be gained to be worth a change, and how far two ways may differ in bf16. */
    private static final double WORTH = 0.01;
    private static final double AGREE = 6e-3;

    private final CudaBackend backend;
    private final CudaOps ops;
    private final BenchPool pool;
    private final long seed;
    private final boolean quick;
    private final Path out;
    private final Map<Candidate, String> refused = new LinkedHashMap<>();
    private final Map<Candidate, Map<String, Double>> microseconds = new LinkedHashMap<>();
    private final Map<String, Double> bytes = new LinkedHashMap<>();
    private final List<String> json = new ArrayList<>();
    private final List<String> winners = new ArrayList<>();

    VariantBench(CudaBackend backend, long seed, boolean quick, Path out) {
        this.backend = backend;
        this.ops = (CudaOps) backend.ops();
        this.seed = seed;
        this.quick = quick;
        this.out = out;
        pool = new BenchPool(backend);
    }

    /** A case: buffers to rotate over, an operation on the i-th of them, what it writes, and what to do before each measurement. */
    private record Case(String name, double bytes, int sets, IntConsumer call, Runnable restore, List<Tensor> results) {}

    /** Whether every standard kernel was right; what happens to the others is said. */
    boolean run(List<String> shapes, String only, List<String> without) throws IOException {
        for (String operation : KernelCandidates.OPERATIONS) {
            if (!operation.startsWith(only)) {
                continue;
            }
            List<Candidate> candidates = new ArrayList<>(KernelCandidates.of(operation));
            candidates.removeIf(c -> without.contains(c.name()));
            long begin = System.nanoTime();
            candidates.removeIf(c -> !right(c));
            System.out.printf(Locale.ROOT, "%s: %d ways are right (%.1f s)%n", operation, candidates.size(), (System.nanoTime() - begin) / 1e9);
            List<BenchShape> models = BenchShape.ALL.stream().filter(s -> shapes.contains(s.name())).toList();
            // Loss and update have one case whatever the model.
            boolean one = operation.equals("crossEntropy") || operation.equals("adamW");
            for (BenchShape shape : one ? models.subList(0, Math.min(1, models.size())) : models) {
                measure(operation, shape, candidates);
            }
            verdict(operation, candidates, models);
        }
        refused.forEach((c, why) -> System.out.println("REFUSED " + c.operation() + ", " + c.name() + ": " + why));
        if (out != null) {
            Files.createDirectories(out);
            Files.write(out.resolve("variants.jsonl"), json);
        }
        System.out.println(winners.isEmpty() ? "no kernels measured" : String.join("; ", winners));
        return refused.keySet().stream().noneMatch(Candidate::standard);
    }

    // ---- right ----

    private boolean right(Candidate candidate) {
        long own = seed;
        KernelVariants.grid(ops, SMALL_GRID);
        try {
            candidate.choose().accept(ops);
            for (ToDoubleFunction<Workbench> check : KernelVariants.checks(candidate.operation(), quick)) {
                try (Workbench bench = new Workbench(backend, ++own)) {
                    check.applyAsDouble(bench);
                }
            }
            return true;
        } catch (AssertionError | RuntimeException e) {
            refuse(candidate, e + " (seed " + own + ")");
            return false;
        } finally {
            KernelVariants.grid(ops, 0);
            KernelCandidates.standard(ops);
        }
    }

    private void refuse(Candidate candidate, String why) {
        refused.put(candidate, why.length() > 300 ? why.substring(0, 300) : why);
        try {
            backend.synchronize();
        } catch (RuntimeException e) {
            throw new IllegalStateException(candidate.operation() + ", " + candidate.name() + " has lost the device ("
                    + why + "); again with 'without=" + candidate.name() + "'", e);
        }
    }

    // ---- fast ----

    private void measure(String operation, BenchShape shape, List<Candidate> candidates) {
        Case c = of(operation, shape);
        Tensor a = pool.t(DType.BF16, 4096, quick ? 64 : 4096);
        Tensor b = pool.t(DType.BF16, quick ? 64 : 4096, quick ? 64 : 4096);
        Tensor hot = pool.t(DType.BF16, 4096, quick ? 64 : 4096);
        int calls = quick ? 2 : CALLS;
        int rounds = quick ? 3 : ROUNDS;
        bytes.put(operation + c.name, c.bytes);
        List<float[]> standard = new ArrayList<>();
        Map<Candidate, CudaGraph> graphs = new LinkedHashMap<>();
        try (CudaEvent start = backend.device().event(); CudaEvent end = backend.device().event()) {
            for (Candidate candidate : List.copyOf(candidates)) {
                candidate.choose().accept(ops);
                String differs;
                try {
                    c.restore.run();
                    c.call.accept(0);
                    differs = compare(standard, c.results, candidate.standard());
                } catch (RuntimeException e) {
                    differs = e.toString();
                }
                if (differs != null) {
                    refuse(candidate, "at " + c.name + ": " + differs);
                    candidates.remove(candidate);
                    continue;
                }
                graphs.put(candidate, backend.capture("variant", () -> {
                    for (int i = 0; i < calls; i++) {
                        c.call.accept(i % c.sets);
                    }
                }));
            }
            if (graphs.isEmpty()) {
                return;
            }
            List<Candidate> order = new ArrayList<>(graphs.keySet());
            Map<Candidate, double[]> times = new LinkedHashMap<>();
            order.forEach(o -> times.put(o, new double[rounds]));
            ops.linear(hot, a, b);
            for (int round = -1; round < rounds; round++) {
                for (int i = 0; i < order.size(); i++) {
                    // Another one begins each round, none always has the same predecessor's heat.
                    Candidate candidate = order.get((i + round + 1) % order.size());
                    c.restore.run();
                    for (int h = 0; h < HEAT; h++) {
                        ops.linear(hot, a, b);
                    }
                    start.record(backend.computeStream());
                    graphs.get(candidate).launch(backend.computeStream());
                    end.record(backend.computeStream());
                    end.await();
                    if (round >= 0) {
                        times.get(candidate)[round] = end.millisecondsSince(start) * 1e3 / calls;
                    }
                }
            }
            times.forEach((candidate, t) -> {
                Arrays.sort(t);
                double median = t[t.length / 2];
                microseconds.computeIfAbsent(candidate, k -> new LinkedHashMap<>()).put(c.name, median);
                json.add(String.format(Locale.ROOT, "{\"op\": \"%s\", \"variant\": \"%s\", \"case\": \"%s\", \"us\": %.3f, \"quartiles\": [%.3f, %.3f], "
                        + "\"bytes\": %.0f, \"TB_s\": %.3f}", operation, candidate.name(), c.name, median, t[t.length / 4], t[3 * t.length / 4],
                        c.bytes, c.bytes / median / 1e6));
            });
        } finally {
            graphs.values().forEach(CudaGraph::close);
            KernelCandidates.standard(ops);
        }
    }

    private Case of(String operation, BenchShape shape) {
        int width = quick ? Math.min(shape.d(), 768) : shape.d();
        int tokens = quick ? 256 : shape.tokens();
        long elements = (long) tokens * width;
        int vocabulary = quick ? 2000 : BenchShape.VOCABULARY;
        int rows = quick ? 64 : LOSS_ROWS;
        long hot = 3L * 2 * 4096 * 4096 + (1 << 20);  // the products that heat the card
        if (operation.equals("adamW")) {
            return update(quick ? 50_000 : PARAMETERS, hot);
        }
        if (operation.equals("crossEntropy")) {
            int sets = 2;
            pool.begin((2 + sets) * 2L * rows * vocabulary + hot);
            Tensor first = pool.t(DType.BF16, rows, vocabulary);
            Tensor[] logits = pool.many(sets, rows, vocabulary);
            Tensor perRow = pool.t(DType.F32, rows);
            Tensor scale = pool.t(DType.F32, 1);
            Host.put(backend, scale, 1f / rows);
            Tensor targets = pool.ids(rows, vocabulary);
            return new Case(rows + " rows", 4.0 * rows * vocabulary, sets, i -> ops.crossEntropy(perRow, logits[i], targets, scale, 0, -1, null),
                    () -> {
                        for (Tensor l : logits) {
                            backend.copy(l, first);
                        }
                    }, List.of(perRow, begin(logits[0]), end(logits[0])));
        }
        int sets = (int) Math.max(1, Math.min(CALLS, ROTATE_BYTES / (4 * elements) + 1));
        pool.begin((4L * sets) * 2 * elements + hot + 8L * tokens + 64L * width + (1 << 20));
        Tensor[] x = pool.many(sets, tokens, width);
        Tensor[] y = pool.many(sets, tokens, width);
        Tensor w = pool.t(DType.BF16, width);
        Tensor rstd = pool.t(DType.F32, tokens);
        if (operation.equals("rmsNorm")) {
            return new Case(shape.name(), 4.0 * elements, sets, i -> ops.rmsNorm(y[i], rstd, x[i], w, 1e-6), () -> {}, List.of(begin(y[0]), end(y[0]), rstd));
        }
        Tensor[] dx = pool.many(sets, tokens, width);
        Tensor[] residual = pool.many(sets, tokens, width);
        Tensor dw = pool.t(DType.F32, width);
        ops.rmsNorm(dx[0], rstd, x[0], w, 1e-6);
        return new Case(shape.name(), 8.0 * elements, sets, i -> ops.rmsNormBackward(dx[i], dw, y[i], x[i], w, rstd, residual[i]),
                () -> backend.zero(dw), List.of(begin(dx[0]), end(dx[0]), dw));
    }

    private Case update(long n, long hot) {
        pool.begin(2 * 12 * n + 6 * n + hot);
        Tensor clip = pool.t(DType.F32, 3);
        Host.put(backend, clip, 1f, 1f, 1f);
        Tensor start = pool.t(DType.F32, 3 * n);
        Tensor state = pool.t(DType.F32, 3 * n);
        Tensor gradient = pool.t(DType.F32, n);
        Tensor weights = pool.t(DType.BF16, n);
        Tensor[] part = new Tensor[3];
        for (int i = 0; i < 3; i++) {
            part[i] = state.arena().tensor("state", state.offset() + 4 * n * i, DType.F32, n);
        }
        // Second moments are not negative.
        backend.zero(start.arena().tensor("second", start.offset() + 8 * n, DType.F32, n));
        AdamWStep step = new AdamWStep(3e-4, 0.9, 0.95, 1e-8, 0.1, 10);
        return new Case(n + " parameters", 30.0 * n, 1, i -> ops.adamW(step, part[0], gradient, part[1], part[2], weights, clip),
                () -> backend.copy(state, start), List.of(begin(part[0]), end(part[0]), end(part[1]), end(part[2]), begin(weights)));
    }

    // A million elements stand for all.
    private static Tensor begin(Tensor t) {
        return t.arena().tensor("begin", t.offset(), t.dtype(), Math.min(1 << 20, t.elements()));
    }

    private static Tensor end(Tensor t) {
        long n = Math.min(1 << 20, t.elements());
        return t.arena().tensor("end", t.offset() + (t.elements() - n) * t.dtype().bytes(), t.dtype(), n);
    }

    // Null, or what differs; the standard's results are kept.
    private String compare(List<float[]> standard, List<Tensor> results, boolean first) {
        for (int r = 0; r < results.size(); r++) {
            float[] now = Host.floats(backend, results.get(r));
            if (first) {
                standard.add(now);
                continue;
            }
            double difference = 0;
            double norm = 0;
            for (int i = 0; i < now.length; i++) {
                double d = now[i] - standard.get(r)[i];
                difference += d * d;
                norm += (double) standard.get(r)[i] * standard.get(r)[i];
            }
            if (!(Math.sqrt(difference) <= AGREE * Math.sqrt(norm))) {
                return String.format(Locale.ROOT, "result %d is off by %.3g", r, Math.sqrt(difference / norm));
            }
        }
        return null;
    }

    // How often a step with one micro-batch does what was timed.
    private static double calls(String operation, BenchShape s) {
        double parameters = s.layers() * (s.d() * (double) (s.attention().qkvWidth() + s.attention().outWidth()) + 3.0 * s.d() * s.f())
                + 2.0 * s.d() * BenchShape.VOCABULARY;
        return switch (operation) {
            case "crossEntropy" -> s.tokens() / (double) LOSS_ROWS;
            case "adamW" -> parameters / PARAMETERS;
            default -> 2 * s.layers() + 1;
        };
    }

    // ---- said ----

    private void verdict(String operation, List<Candidate> candidates, List<BenchShape> models) {
        Candidate standard = candidates.stream().filter(Candidate::standard).findFirst().orElse(null);
        if (standard == null || microseconds.get(standard) == null) {
            System.out.println(operation + ": not measured");
            return;
        }
        List<String> cases = List.copyOf(microseconds.get(standard).keySet());
        System.out.printf("%-24s", operation);
        cases.forEach(c -> System.out.printf("%28s", c));
        System.out.printf("%10s%n", "together");
        Candidate best = standard;
        double bestRatio = 1;
        for (Candidate candidate : candidates) {
            double log = 0;
            System.out.printf("  %-22s", candidate.name());
            for (String c : cases) {
                double us = microseconds.get(candidate).get(c);
                double ratio = microseconds.get(standard).get(c) / us;
                log += Math.log(ratio) / cases.size();
                System.out.printf(Locale.ROOT, "%10.1f µs %4.2f TB/s %6.3f", us, bytes.get(operation + c) / us / 1e6, ratio);
            }
            double ratio = Math.exp(log);
            System.out.printf(Locale.ROOT, "%10.3f%n", ratio);
            if (ratio > bestRatio) {
                best = candidate;
                bestRatio = ratio;
            }
        }
        for (BenchShape s : models) {
            String c = cases.contains(s.name()) ? s.name() : cases.get(0);
            Candidate fastest = candidates.stream().min(Comparator.comparingDouble(k -> microseconds.get(k).get(c))).orElseThrow();
            double saved = microseconds.get(standard).get(c) - microseconds.get(fastest).get(c);
            System.out.printf(Locale.ROOT, "  %s: %s, %.2f ms a step less%n", s.name(), fastest.name(), saved / 1e3 * calls(operation, s));
        }
        boolean changed = bestRatio >= 1 + WORTH;
        winners.add(String.format(Locale.ROOT, "%s: %s (%.3f)", operation, changed ? best.name() : KernelCandidates.STANDARD, changed ? bestRatio : 1));
        System.out.println("WINNER " + winners.get(winners.size() - 1));
    }
}
