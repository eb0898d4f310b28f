package org.longhaul.ops.cuda;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.IntConsumer;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.natives.CudaEvent;
import org.longhaul.natives.CudaGraph;
import org.longhaul.ops.AdamWStep;
import org.longhaul.ops.AttentionShape;
import org.longhaul.ops.DocumentIndex;
import org.longhaul.ops.Ops;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/**
 * Times each operation at the shapes of the models: a CUDA graph of several calls over rotating buffers larger than the L2, median
 * of replays; prints bytes over time against the copy measured in the same run, and TFLOP/s for products and attention.
 */
final class KernelBench {
    private static final int CALLS = 8;
    private static final int REPLAYS = 7;
    private static final long ROTATE_BYTES = 400L << 20;
    private static final DType B = DType.BF16;

    private static final int VOCABULARY = BenchShape.VOCABULARY;
    private static final int LOSS_ROWS = 4096;

    private final CudaBackend backend;
    private final CudaOps ops;
    private final Path out;
    private final boolean fp8;
    private final List<String> lines = new ArrayList<>();
    private final List<String> json = new ArrayList<>();
    private double copyRate = 1;
    private final BenchPool pool;

    KernelBench(CudaBackend backend, Path out, boolean fp8) {
        this.backend = backend;
        this.ops = (CudaOps) backend.ops();
        this.out = out;
        this.fp8 = fp8;
        pool = new BenchPool(backend);
    }

    void run(List<String> names) throws IOException {
        copy();
        for (BenchShape s : BenchShape.ALL) {
            if (names.contains(s.name())) {
                layer(s);
                products(s);
                attention(s);
            }
        }
        head();
        optimizer();
        if (fp8) {
            quantise();
        }
        System.out.print(ops.report());
        System.out.printf("%-34s %9s %9s %7s%n", "operation", "µs", "rate", "of copy");
        lines.forEach(System.out::println);
        if (out != null) {
            Files.createDirectories(out);
            Files.write(out.resolve("kernels.jsonl"), json);
        }
    }

    private static int sets(long bytesOfOne) {
        return (int) Math.max(1, Math.min(CALLS, ROTATE_BYTES / Math.max(1, bytesOfOne) + 1));
    }

    // ---- timing ----

    private double microseconds(IntConsumer call) {
        call.accept(0);
        backend.synchronize();
        double[] t = new double[REPLAYS];
        try (CudaGraph graph = backend.capture("bench", () -> {
                    for (int i = 0; i < CALLS; i++) {
                        call.accept(i);
                    }
                });
                CudaEvent start = backend.device().event(); CudaEvent end = backend.device().event()) {
            graph.launch(backend.computeStream());
            for (int r = 0; r < REPLAYS; r++) {
                start.record(backend.computeStream());
                graph.launch(backend.computeStream());
                end.record(backend.computeStream());
                end.await();
                t[r] = end.millisecondsSince(start) * 1e3 / CALLS;
            }
        }
        Arrays.sort(t);
        return t[REPLAYS / 2];
    }

    private void moved(String name, double bytes, IntConsumer call) {
        double us = microseconds(call);
        double rate = bytes / us / 1e6;
        lines.add(String.format(Locale.ROOT, "%-34s %9.1f %6.2f TB/s %5.0f%%", name, us, rate, 100 * rate / copyRate));
        json.add(String.format(Locale.ROOT, "{\"op\": \"%s\", \"us\": %.2f, \"bytes\": %.0f, \"TB_s\": %.3f}", name, us, bytes, rate));
    }

    private void computed(String name, double flops, IntConsumer call) {
        double us = microseconds(call);
        lines.add(String.format(Locale.ROOT, "%-34s %9.1f %6.0f TFLOP/s", name, us, flops / us / 1e6));
        json.add(String.format(Locale.ROOT, "{\"op\": \"%s\", \"us\": %.2f, \"TFLOP_s\": %.1f}", name, us, flops / us / 1e6));
    }

    // ---- cases ----

    private void copy() {
        long bytes = 2L << 30;
        pool.begin(2 * bytes);
        Tensor from = pool.t(DType.U8, bytes);
        Tensor to = pool.t(DType.U8, bytes);
        // Not in a graph, whose copies go to a copy engine.
        double us = Double.MAX_VALUE;
        try (CudaEvent start = backend.device().event(); CudaEvent end = backend.device().event()) {
            for (int r = 0; r < REPLAYS; r++) {
                start.record(backend.computeStream());
                backend.copy(to, from);
                end.record(backend.computeStream());
                end.await();
                us = Math.min(us, end.millisecondsSince(start) * 1e3);
            }
        }
        copyRate = 2.0 * bytes / us / 1e6;
        lines.add(String.format(Locale.ROOT, "%-34s %9.1f %6.2f TB/s", "copy of 2 GiB", us, copyRate));
    }

    private void layer(BenchShape s) {
        long td = (long) s.tokens() * s.d();
        long tf = (long) s.tokens() * s.f();
        pool.begin(6L << 30);
        int n = sets(8 * td);
        Tensor[] x = pool.many(n, s.tokens(), s.d());
        Tensor[] delta = pool.many(n, s.tokens(), s.d());
        Tensor[] y = pool.many(n, s.tokens(), s.d());
        Tensor[] sum = pool.many(n, s.tokens(), s.d());
        Tensor w = pool.t(B, s.d());
        Tensor rstd = pool.t(DType.F32, s.tokens());
        Tensor dw = pool.t(DType.F32, s.d());
        moved(s.name() + " rmsNorm", 4.0 * td, i -> ops.rmsNorm(y[i % n], rstd, x[i % n], w, 1e-6));
        moved(s.name() + " addRmsNorm", 8.0 * td, i -> ops.addRmsNorm(sum[i % n], y[i % n], rstd, x[i % n], delta[i % n], w, 1e-6));
        moved(s.name() + " rmsNormBackward", 8.0 * td,
                i -> ops.rmsNormBackward(sum[i % n], dw, y[i % n], x[i % n], w, rstd, delta[i % n]));
        AttentionShape a = s.attention();
        pool.begin(6L << 30);
        Tensor cos = pool.t(DType.F32, a.sequence(), a.headDim() / 2);
        Tensor sin = pool.t(DType.F32, a.sequence(), a.headDim() / 2);
        long rotated = a.tokens() * (a.heads() + a.kvHeads()) * a.headDim();
        long whole = a.tokens() * a.qkvWidth();
        int m = sets(4 * whole);
        Tensor[] qkv = pool.many(m, a.tokens(), a.qkvWidth());
        Tensor[] packed = pool.many(m, a.tokens(), a.qkvWidth());
        moved(s.name() + " rope", 4.0 * rotated, i -> ops.rope(qkv[i % m], cos, sin, a));
        long d = a.headDim();
        moved(s.name() + " ropeBackwardPack", 4.0 * whole, i -> ops.ropeKernels().backwardPack(packed[i % m],
                strided(qkv[i % m], 0, a.heads(), a), strided(qkv[i % m], a.tokens() * a.heads() * d, a.kvHeads(), a),
                strided(qkv[i % m], a.tokens() * (a.heads() + a.kvHeads()) * d, a.kvHeads(), a), cos, sin, a, false));
        pool.begin(6L << 30);
        int g = sets(8 * tf);
        Tensor[] gateUp = pool.many(g, s.tokens(), 2L * s.f());
        Tensor[] h = pool.many(g, s.tokens(), s.f());
        moved(s.name() + " swiglu", 6.0 * tf, i -> ops.swiglu(h[i % g], gateUp[i % g]));
        moved(s.name() + " swigluBackward", 10.0 * tf, i -> ops.swigluBackward(gateUp[i % g], null, h[i % g], gateUp[i % g]));
        pool.begin(6L << 30);
        Tensor table = pool.t(B, VOCABULARY, s.d());
        Tensor dTable = pool.t(DType.F32, VOCABULARY, s.d());
        Tensor ids = pool.ids(s.tokens(), VOCABULARY);
        Tensor e = pool.t(B, s.tokens(), s.d());
        moved(s.name() + " embedding", 4.0 * td, i -> ops.embedding(e, table, ids, 0));
        moved(s.name() + " embeddingBackward", 2.0 * td + 8.0 * td, i -> ops.embeddingBackward(dTable, e, ids, 0));
    }

    private static RopeKernels.Strided strided(Tensor t, long offset, long heads, AttentionShape a) {
        long d = a.headDim();
        return new RopeKernels.Strided(t.address() + 2 * offset, heads * a.sequence() * d, heads * d, d);
    }

    private void products(BenchShape s) {
        int q = (int) s.attention().qkvWidth();
        int[][] layers = {{s.d(), q}, {s.d(), s.d()}, {s.d(), 2 * s.f()}, {s.f(), s.d()}, {s.d(), VOCABULARY}};
        String[] names = {"qkv", "out", "gateUp", "down", "head"};
        for (int i = 0; i < layers.length; i++) {
            int k = layers[i][0];
            int n = layers[i][1];
            int tokens = i == 4 ? Math.min(s.tokens(), 2 * LOSS_ROWS) : s.tokens();
            pool.begin(4L * tokens * k + 4L * tokens * n + 6L * n * k + 8192);
            Tensor x = pool.t(B, tokens, k);
            Tensor w = pool.t(B, n, k);
            Tensor dy = pool.t(B, tokens, n);
            Tensor y = pool.t(B, tokens, n);
            Tensor dx = pool.t(B, tokens, k);
            Tensor dw = pool.t(DType.F32, n, k);
            double flops = 2.0 * tokens * n * k;
            computed(s.name() + " " + names[i] + " forward", flops, c -> ops.linear(y, x, w));
            if (i == 1 || i == 3) {
                computed(s.name() + " " + names[i] + " forward and residual", flops, c -> ops.linear(y, x, w, dy));
            }
            computed(s.name() + " " + names[i] + " input gradient", flops, c -> ops.linearBackwardInput(dx, dy, w, false));
            computed(s.name() + " " + names[i] + " weight gradient", flops, c -> ops.linearBackwardWeight(dw, dy, x, false));
            computed(s.name() + " " + names[i] + " weight gradient +=", flops, c -> ops.linearBackwardWeight(dw, dy, x, true));
            if (i < 4 && fp8) {
                Ops eight = ops.inFp8();
                computed(s.name() + " " + names[i] + " fp8 forward with quantisation", flops, c -> eight.linear(y, x, w));
                computed(s.name() + " " + names[i] + " fp8 both gradients", 2 * flops, c -> {
                    eight.linearBackwardInput(dx, dy, w, false);
                    eight.linearBackwardWeight(dw, dy, x, true);
                });
            }
        }
    }

    private void attention(BenchShape s) {
        AttentionShape a = s.attention();
        pool.begin(4 * a.tokens() * a.qkvWidth() + 4 * a.tokens() * a.outWidth() + 4 * a.tokens() * a.heads() + 12 * a.tokens() + (8L << 20));
        Tensor qkv = pool.t(B, a.tokens(), a.qkvWidth());
        Tensor dqkv = pool.t(B, a.tokens(), a.qkvWidth());
        Tensor o = pool.t(B, a.tokens(), a.outWidth());
        Tensor dout = pool.t(B, a.tokens(), a.outWidth());
        Tensor lse = pool.t(DType.F32, a.batch(), a.heads(), a.sequence());
        Tensor cos = pool.t(DType.F32, a.sequence(), a.headDim() / 2);
        Tensor sin = pool.t(DType.F32, a.sequence(), a.headDim() / 2);
        double flops = 2.0 * a.batch() * a.heads() * a.sequence() * a.sequence() * a.headDim();
        computed(s.name() + " attention (causal flops)", flops, i -> ops.attention(o, lse, qkv, a));
        computed(s.name() + " attention backward", 2.5 * flops, i -> ops.attentionBackward(dqkv, dout, qkv, o, lse, cos, sin, a));
        // The same count, so that the rows tell what the mask costs.
        Tensor documents = pool.t(DType.I32, new DocumentIndex(a).elements());
        Host.put(backend, documents, DocumentStarts.index(a, DocumentStarts.random(new Random(4), a.batch(), a.sequence(), a.sequence())));
        computed(s.name() + " attention in documents (causal flops of all)", flops, i -> ops.attention(o, lse, qkv, documents, a));
        computed(s.name() + " attention in documents backward", 2.5 * flops,
                i -> ops.attentionBackward(dqkv, dout, qkv, o, lse, cos, sin, documents, a));
    }

    private void head() {
        pool.begin(4L << 30);
        int n = 3;
        Tensor[] logits = pool.many(n, LOSS_ROWS, VOCABULARY);
        Tensor loss = pool.t(DType.F32, LOSS_ROWS);
        Tensor scale = pool.t(DType.F32, 1);
        Tensor targets = pool.ids(LOSS_ROWS, VOCABULARY);
        double bytes = 4.0 * LOSS_ROWS * VOCABULARY;
        moved("crossEntropy " + LOSS_ROWS + " rows", bytes, i -> ops.crossEntropy(loss, logits[i % n], targets, scale, 0, -1, null));
        moved("crossEntropyLoss", bytes / 2, i -> ops.crossEntropyLoss(loss, logits[i % n], targets, -1));
    }

    private void quantise() {
        pool.begin(2L << 30);
        Fp8Kernels kernels = ops.fp8Kernels();
        int n = 3;
        Tensor[] x = pool.many(n, 16384, 5504);
        Tensor q = pool.t(DType.F8_E5M2, 16384, 5504);
        Tensor turned = pool.t(DType.F8_E5M2, 5504, 16384);
        Tensor scale = pool.t(DType.F32, 1);
        Tensor inverse = pool.t(DType.F32, 1);
        double elements = 16384.0 * 5504;
        moved("quantise", 5 * elements, i -> kernels.quantise(q, null, x[i % n], scale, inverse));
        moved("quantise and turn", 6 * elements, i -> kernels.quantise(q, turned, x[i % n], scale, inverse));
    }

    private void optimizer() {
        long n = 256L << 20;
        pool.begin(20 * n);
        Tensor master = pool.t(DType.F32, n);
        Tensor gradient = pool.t(DType.F32, n);
        Tensor m = pool.t(DType.F32, n);
        Tensor v = pool.t(DType.F32, n);
        Tensor weights = pool.t(B, n);
        Tensor clip = pool.t(DType.F32, 3);
        Tensor norm = pool.t(DType.F32, 1);
        Host.put(backend, clip, 1f, 1f, 1f);
        AdamWStep step = new AdamWStep(3e-4, 0.9, 0.95, 1e-8, 0.1, 10);
        moved("sumOfSquares 256M", 4.0 * n, i -> ops.sumOfSquares(norm, gradient));
        moved("adamW 256M", 30.0 * n, i -> ops.adamW(step, master, gradient, m, v, weights, clip));
        moved("cast 256M", 6.0 * n, i -> ops.cast(weights, master));
    }
}
