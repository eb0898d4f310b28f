package org.longhaul.ops.cuda;

import java.util.Arrays;
import java.util.Locale;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.natives.CudaEvent;
import org.longhaul.natives.CudaGraph;
import org.longhaul.natives.CudaStream;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/**
 * A trial: how much of the gradient norm's pass over finished gradients hides beside the backward's products of another layer, when both
 * are queued on streams of their own. Times products, norm, both in turn and both side by side, at the 1b shape.
 */
final class NormBeside {
    private static final int ROUNDS = 25;
    private static final int PIECES = 8;

    private final CudaBackend backend;
    private final CudaOps ops;
    private final boolean quick;
    private final BenchPool pool;

    NormBeside(CudaBackend backend, boolean quick) {
        this.backend = backend;
        this.ops = (CudaOps) backend.ops();
        this.quick = quick;
        pool = new BenchPool(backend);
    }

    void run() {
        int tokens = quick ? 64 : 16_384;
        int d = quick ? 64 : 2048;
        int f = quick ? 128 : 11_008;
        // What one layer has: its share of the pass belongs to the products of one layer.
        long elements = quick ? 40_000 : 51L << 20;
        pool.begin(2L * tokens * (d + f) + 2L * tokens * d + 6L * d * f + 4 * elements + (1 << 20));
        Tensor x = pool.t(DType.BF16, tokens, d);
        Tensor dx = pool.t(DType.BF16, tokens, d);
        Tensor dy = pool.t(DType.BF16, tokens, f);
        Tensor w = pool.t(DType.BF16, f, d);
        Tensor dw = pool.t(DType.F32, f, d);
        Tensor gradient = pool.t(DType.F32, elements);
        Tensor sum = pool.t(DType.F32, 1);
        long piece = elements / PIECES / 1024 * 1024;
        Runnable products = () -> {
            for (int i = 0; i < 2; i++) {
                ops.linearBackwardInput(dx, dy, w, false);
                ops.linearBackwardWeight(dw, dy, x, true);
            }
        };
        Runnable norm = () -> {
            for (int i = 0; i < PIECES; i++) {
                ops.sumOfSquares(sum, gradient.slice(i * piece, i == PIECES - 1 ? elements : (i + 1) * piece));
            }
        };
        products.run();
        norm.run();
        backend.synchronize();
        CudaStream compute = backend.computeStream();
        CudaStream beside = backend.newStream("norm beside products");
        try (CudaGraph a = backend.capture("products", products); CudaGraph b = backend.capture("norm", norm)) {
            double one = median(a, () -> a.launch(compute));
            double two = median(a, () -> b.launch(compute));
            double turn = median(a, () -> {
                a.launch(compute);
                b.launch(compute);
            });
            double side = median(a, () -> {
                beside.waitFor(compute);
                b.launch(beside);
                a.launch(compute);
                compute.waitFor(beside);
            });
            int layers = BenchShape.ALL.stream().filter(s -> s.name().equals("1b")).mapToInt(BenchShape::layers).findFirst().orElseThrow();
            System.out.printf(Locale.ROOT, "norm beside products: products %.3f ms, norm %.3f, in turn %.3f, side by side %.3f: %.3f ms less a layer, "
                    + "%.2f a step at 1b%n", one, two, turn, side, turn - side, (turn - side) * layers);
        }
    }

    // The card is hot from the products before each measurement.
    private double median(CudaGraph heat, Runnable work) {
        double[] t = new double[quick ? 3 : ROUNDS];
        try (CudaEvent start = backend.device().event(); CudaEvent end = backend.device().event()) {
            for (int r = 0; r < t.length; r++) {
                heat.launch(backend.computeStream());
                start.record(backend.computeStream());
                work.run();
                end.record(backend.computeStream());
                end.await();
                t[r] = end.millisecondsSince(start);
            }
        }
        Arrays.sort(t);
        return t[t.length / 2];
    }
}
