package org.longhaul.natives;

import com.sun.jna.Memory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import org.longhaul.error.UserError;
import org.longhaul.tensor.Arena;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Chooses an algorithm for a shape: from disk, else by timing the library's proposals on random operands. */
final class GemmTuner {
    private static final Logger LOG = LoggerFactory.getLogger(GemmTuner.class);
    private static final int CANDIDATES = 16;
    private static final int REPEATS = 5;
    /** A later proposal must beat the library's own first by this factor; smaller differences are noise. */
    private static final double MARGIN = 0.99;

    private final CudaDevice device;
    private final long handle;
    private final DeviceMemory workspace;
    private final boolean deterministic;
    private final Path folder;

    GemmTuner(CudaDevice device, long handle, DeviceMemory workspace, boolean deterministic, Path cache) {
        this.device = device;
        this.handle = handle;
        this.workspace = workspace;
        this.deterministic = deterministic;
        this.folder = cache.resolve(
                (device.name() + "-cublasLt-" + CublasLtApi.cublasLtGetVersion()).replaceAll("[^A-Za-z0-9_.-]", "_"));
    }

    GemmPlan plan(CudaStream stream, GemmShape shape, long scaleA, long scaleB) {
        GemmPlan plan = new GemmPlan(shape);
        if (shape.scaled()) {
            plan.scales(scaleA, scaleB);
        }
        if (!deterministic && recall(plan, shape)) {
            return plan;
        }
        try (Memory proposals = new Memory((long) CANDIDATES * CublasLtApi.HEURISTIC_BYTES)) {
            int found = plan.propose(handle, workspace.bytes(), deterministic, proposals, CANDIDATES);
            if (found == 0) {
                throw new NativeException("cuBLASLt", "cublasLtMatmulAlgoGetHeuristic", 0, "no algorithm for " + shape.key());
            }
            if (deterministic || found == 1) {
                plan.choose(proposals.getByteArray(0, CublasLtApi.ALGO_BYTES), "first proposal");
                return plan;
            }
            measure(plan, stream, shape, proposals, found);
        }
        return plan;
    }

    // Operands and result are scratch: the real result may hold sums, and the real operands may still be zeros, on which products run
    // faster than on data. Without room for the scratch the first proposal is taken.
    private void measure(GemmPlan plan, CudaStream stream, GemmShape shape, Memory proposals, int found) {
        long bytesA = shape.m() * shape.k() * shape.a().bytes();
        long bytesB = shape.n() * shape.k() * shape.b().bytes();
        long bytesC = shape.m() * shape.n() * shape.c().bytes();
        long offsetB = Arena.align(bytesA);
        long offsetC = offsetB + Arena.align(bytesB);
        DeviceMemory scratch;
        try {
            scratch = device.allocate(offsetC + bytesC);
        } catch (UserError e) {
            LOG.info("no room to time matrix products of {}; taking the library's first proposal", shape.key());
            plan.choose(proposals.getByteArray(0, CublasLtApi.ALGO_BYTES), "first proposal, no room to measure");
            return;
        }
        try (scratch; CudaEvent start = device.event(); CudaEvent end = device.event(); Memory scalars = new Memory(16)) {
            RandomOperand.fill(stream, scratch.address(), bytesA, shape.a());
            RandomOperand.fill(stream, scratch.address() + offsetB, bytesB, shape.b());
            stream.fill(scratch.address() + offsetC, 0, bytesC);
            scalars.setFloat(0, 1);
            scalars.setFloat(8, shape.accumulate() ? 1 : 0);
            double best = Double.MAX_VALUE;
            double first = 0;
            int chosen = 0;
            for (int i = 0; i < found; i++) {
                long offset = (long) i * CublasLtApi.HEURISTIC_BYTES;
                if (proposals.getInt(offset + CublasLtApi.HEURISTIC_STATE) != 0) {
                    continue;
                }
                double t = time(
                        plan, stream, scalars, scratch.address(), scratch.address() + offsetB, scratch.address() + offsetC, proposals, offset,
                        start, end);
                if (first == 0) {
                    first = t;
                }
                if (t < best * (i == 0 ? 1 : MARGIN)) {
                    best = t;
                    chosen = i;
                }
            }
            if (best == Double.MAX_VALUE) {
                throw new NativeException("cuBLASLt", "cublasLtMatmul", 0, "none of " + found + " algorithms runs for " + shape.key());
            }
            byte[] algo = proposals.getByteArray((long) chosen * CublasLtApi.HEURISTIC_BYTES, CublasLtApi.ALGO_BYTES);
            String remark = String.format(
                    Locale.ROOT, "%.0f TFLOP/s, proposal %d of %d (the first: %.0f)", shape.flops() / best / 1e9, chosen + 1, found,
                    shape.flops() / first / 1e9);
            plan.choose(algo, remark);
            LOG.debug("{}: {}", shape.key(), remark);
            keep(shape, algo, remark);
            stream.synchronize();
        }
    }

    /** Median milliseconds, or the largest double when the algorithm does not run here. */
    private double time(
            GemmPlan plan, CudaStream stream, Memory scalars, long a, long b, long c, Memory proposals, long offset, CudaEvent start,
            CudaEvent end) {
        double[] t = new double[REPEATS];
        for (int r = -1; r < REPEATS; r++) {
            start.record(stream);
            int status = plan.tryRun(
                    handle, stream, scalars, a, b, c, workspace, proposals.share(offset, CublasLtApi.ALGO_BYTES));
            end.record(stream);
            end.await();
            if (status != 0) {
                return Double.MAX_VALUE;
            }
            if (r >= 0) {
                t[r] = end.millisecondsSince(start);
            }
        }
        Arrays.sort(t);
        return t[REPEATS / 2];
    }

    private Path file(GemmShape shape) {
        return folder.resolve(shape.key() + ".algo");
    }

    private boolean recall(GemmPlan plan, GemmShape shape) {
        try {
            if (!Files.exists(file(shape))) {
                return false;
            }
            List<String> lines = Files.readAllLines(file(shape));
            byte[] algo = HexFormat.of().parseHex(lines.get(0));
            if (algo.length == CublasLtApi.ALGO_BYTES && plan.accepts(handle, algo, workspace.bytes())) {
                plan.choose(algo, lines.get(1) + ", from an earlier run");
                return true;
            }
        } catch (IOException | RuntimeException e) {
            LOG.warn("measured choice {} cannot be used ({}); measuring again", file(shape), e.toString());
        }
        return false;
    }

    private void keep(GemmShape shape, byte[] algo, String remark) {
        try {
            Files.createDirectories(folder);
            Path part = Files.createTempFile(folder, "algo", ".part");
            Files.write(part, (HexFormat.of().formatHex(algo) + "\n" + remark + "\n").getBytes(StandardCharsets.UTF_8));
            Files.move(part, file(shape), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            LOG.warn("measured choices cannot be kept in {} ({}); every start will measure again", folder, e.toString());
        }
    }
}
