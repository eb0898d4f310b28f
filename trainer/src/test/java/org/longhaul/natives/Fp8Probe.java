package org.longhaul.natives;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;

/**
 * Which 8-bit products cuBLASLt does on this GPU: every variant that training uses and its neighbours, each proposal run, the first
 * result against host sums, and where none runs the last error of the library's log ({@code CUBLASLT_LOG_FILE}, whose level this
 * sets). Argument: {@code quick} leaves out the large shape. Exit status 1 when a variant that training needs does not run or is wrong.
 */
final class Fp8Probe {
    private static final int PROPOSALS = 8;
    private static final int LARGE = 2048;
    private static final int APART = 256;
    private static final int SAMPLES = 1024;

    private final CudaDevice device;
    private final CudaStream stream;
    private final long handle;
    private final DeviceMemory workspace;
    private final Path log = System.getenv("CUBLASLT_LOG_FILE") == null ? null : Path.of(System.getenv("CUBLASLT_LOG_FILE"));
    private final List<String> missing = new ArrayList<>();

    private enum Scales { TENSOR, APART_4, ROWS, NONE }

    private record Variant(
            int m, int n, int k, DType a, DType b, DType out, Scales scales, boolean fast, GemmShape.Addend addend, boolean needed) {
        Variant with(Scales s) {
            return new Variant(m, n, k, a, b, out, s, fast, addend, false);
        }

        Variant accumulating(boolean fastSums) {
            return new Variant(m, n, k, a, b, out, scales, fastSums, addend, false);
        }

        GemmShape shape() {
            return new GemmShape(m, n, k, false, true, a, b, out, 256, addend, true, scales == Scales.ROWS);
        }

        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%4d×%-4d k%-4d %s·%s→%-4s %-8s %s %-6s", m, n, k, short8(a), short8(b), out, scales.name().toLowerCase(Locale.ROOT),
                    fast ? "fast" : "full", addend.name().toLowerCase(Locale.ROOT));
        }

        private static String short8(DType t) {
            return t == DType.F8_E4M3 ? "e4m3" : "e5m2";
        }
    }

    private Fp8Probe(CudaDevice device, long handle) {
        this.device = device;
        this.handle = handle;
        this.stream = device.stream("probe");
        this.workspace = device.allocate(32L << 20);
    }

    public static void main(String[] arguments) throws IOException {
        CudaDevice device = CudaDevice.open(0);
        CublasLtApi.require();
        long handle;
        try (Memory out = new Memory(8)) {
            CublasLtApi.check(CublasLtApi.cublasLtCreate(out), "cublasLtCreate");
            handle = out.getLong(0);
        }
        Fp8Probe probe = new Fp8Probe(device, handle);
        System.out.println(device.name() + ", cuBLASLt " + CublasLtApi.cublasLtGetVersion() + ", driver " + CudaDevice.driverVersion());
        System.out.println("  product                                                       ran     error    TFLOP/s  refusal");
        // The whole story of one call, then errors only.
        CublasLtApi.cublasLtLoggerSetLevel(probe.log == null ? 0 : 5);
        for (Variant v : variants(!Arrays.asList(arguments).contains("quick"))) {
            probe.probe(v);
            CublasLtApi.cublasLtLoggerSetLevel(probe.log == null ? 0 : 1);
        }
        System.out.println(probe.missing.isEmpty() ? "every 8-bit product that training needs runs and is right"
                : probe.missing.size() + " needed products fail, the first: " + probe.missing.get(0));
        probe.workspace.close();
        probe.stream.close();
        CublasLtApi.check(CublasLtApi.cublasLtDestroy(handle), "cublasLtDestroy");
        device.close();
        System.exit(probe.missing.isEmpty() ? 0 : 1);
    }

    // What Fp8Ops does: forward e4m3·e4m3 → bf16 (+ residual), input gradients e5m2·e4m3 → bf16, weight gradients e5m2·e4m3 → f32 (+=).
    private static List<Variant> variants(boolean large) {
        List<Variant> all = new ArrayList<>();
        int[][] shapes = {{128, 512, 256}, {272, 144, 208}, {160, 256, 96}, {LARGE, LARGE, LARGE}};
        for (int[] s : large ? shapes : Arrays.copyOf(shapes, shapes.length - 1)) {
            Variant forward = new Variant(
                    s[0], s[1], s[2], DType.F8_E4M3, DType.F8_E4M3, DType.BF16, Scales.TENSOR, true, GemmShape.Addend.NONE, true);
            all.add(forward);
            all.add(new Variant(s[0], s[1], s[2], DType.F8_E4M3, DType.F8_E4M3, DType.BF16, Scales.TENSOR, true, GemmShape.Addend.OTHER, true));
            for (DType out : new DType[] {DType.BF16, DType.F32}) {
                for (GemmShape.Addend addend : new GemmShape.Addend[] {GemmShape.Addend.NONE, GemmShape.Addend.RESULT}) {
                    all.add(new Variant(s[0], s[1], s[2], DType.F8_E5M2, DType.F8_E4M3, out, Scales.TENSOR, false, addend, true));
                }
            }
            all.add(forward.with(Scales.APART_4));
            all.add(forward.with(Scales.ROWS));
            all.add(forward.with(Scales.NONE));
            all.add(forward.accumulating(false));
            all.add(new Variant(s[0], s[1], s[2], DType.F8_E5M2, DType.F8_E4M3, DType.F32, Scales.TENSOR, true, GemmShape.Addend.NONE, false));
        }
        return all;
    }

    private void probe(Variant v) throws IOException {
        long before = log == null || !Files.exists(log) ? 0 : Files.size(log);
        String outcome;
        boolean good = false;
        try (GemmPlan plan = new GemmPlan(v.shape()); Operands operands = new Operands(v)) {
            plan.fastAccumulation(v.fast);
            if (v.scales != Scales.NONE) {
                plan.scales(operands.scaleA, operands.scaleB);
            }
            List<byte[]> proposals = GemmTuner.proposals(plan, handle, workspace, false, PROPOSALS);
            int ran = 0;
            int refusal = 0;
            double error = Double.NaN;
            double best = Double.MAX_VALUE;
            for (byte[] proposal : proposals) {
                int status = operands.run(plan, proposal);
                if (status != 0) {
                    refusal = status;
                    continue;
                }
                ran++;
                best = Math.min(best, operands.milliseconds);
                if (ran == 1) {
                    error = operands.error();
                }
            }
            good = error < 0.01;
            outcome = String.format(Locale.ROOT, "%d of %d  %7.1e  %7.0f  %s", ran, proposals.size(), error,
                    ran == 0 ? 0 : v.shape().flops() / best / 1e9, refusal == 0 ? "" : CublasLtApi.text(refusal));
        } catch (RuntimeException e) {
            outcome = "0 of 0           " + e.getMessage();
        }
        System.out.println((good ? "  " : v.needed ? "! " : "- ") + v + "  " + outcome + (good ? "" : lastError(before)));
        if (!good && v.needed) {
            missing.add(v + "  " + outcome.strip());
        }
    }

    private String lastError(long from) throws IOException {
        if (log == null || !Files.exists(log)) {
            return "";
        }
        byte[] all = Files.readAllBytes(log);
        String text = new String(all, (int) Math.min(from, all.length), (int) Math.max(0, all.length - from), StandardCharsets.UTF_8);
        return text.lines().filter(l -> l.contains("[Error]")).reduce((x, y) -> y)
                .map(l -> "\n      " + l.replaceFirst("^.*\\[Error\\]", "")).orElse("");
    }

    /** Random signed halves, ones and twos, exact in both formats; scales 0.5 and 4, or one of these for each row. */
    private final class Operands implements AutoCloseable {
        final Variant v;
        final float[] a;
        final float[] b;
        final DeviceMemory memory;
        final long deviceA;
        final long deviceB;
        final long scaleA;
        final long scaleB;
        final long c;
        final long d;
        final CudaEvent start = device.event();
        final CudaEvent end = device.event();
        double milliseconds;

        Operands(Variant v) {
            this.v = v;
            a = new float[v.m * v.k];
            b = new float[v.n * v.k];
            long result = up((long) v.m * v.n * v.out.bytes());
            int rows = Math.max(v.m, v.n) * Float.BYTES;
            memory = device.allocate(up(a.length) + up(b.length) + 2 * up(rows + APART) + 2 * result);
            deviceA = memory.address();
            deviceB = deviceA + up(a.length);
            long scales = deviceB + up(b.length);
            // As Fp8Ops once had it: a scale and its inverse side by side.
            scaleA = v.scales == Scales.APART_4 ? scales + Float.BYTES : scales;
            scaleB = scales + up(rows + APART);
            d = scaleB + up(rows + APART);
            c = v.addend == GemmShape.Addend.OTHER ? d + result : d;
            SplittableRandom random = new SplittableRandom(v.m);
            put(deviceA, bytes(random, a, v.a));
            put(deviceB, bytes(random, b, v.b));
            put(scaleA, floats(v.scales == Scales.ROWS ? v.m : 1, 0));
            put(scaleB, floats(v.scales == Scales.ROWS ? v.n : 1, 3));
        }

        private static long up(long n) {
            return (n + APART - 1) / APART * APART;
        }

        private static float scale(int i, int from) {
            return Math.scalb(1f, (i + from) % 4 - 1);
        }

        private static byte[] floats(int n, int from) {
            ByteBuffer bytes = ByteBuffer.allocate(n * Float.BYTES).order(ByteOrder.nativeOrder());
            for (int i = 0; i < n; i++) {
                bytes.putFloat(scale(i, from));
            }
            return bytes.array();
        }

        private static byte[] bytes(SplittableRandom random, float[] values, DType type) {
            int mantissa = type == DType.F8_E4M3 ? 3 : 2;
            int one = (type == DType.F8_E4M3 ? 7 : 15) << mantissa;
            byte[] bytes = new byte[values.length];
            for (int i = 0; i < values.length; i++) {
                int power = random.nextInt(3) - 1;
                boolean negative = random.nextBoolean();
                values[i] = Math.scalb(negative ? -1f : 1f, power);
                bytes[i] = (byte) ((negative ? 0x80 : 0) | one + (power << mantissa));
            }
            return bytes;
        }

        private void put(long to, byte[] bytes) {
            try (Memory host = new Memory(bytes.length)) {
                host.write(0, bytes, 0, bytes.length);
                stream.copyToDevice(to, Pointer.nativeValue(host), bytes.length);
                stream.synchronize();
            }
        }

        int run(GemmPlan plan, byte[] proposal) {
            try (Memory algorithm = new Memory(proposal.length); Memory scalars = new Memory(16)) {
                algorithm.write(0, proposal, 0, proposal.length);
                scalars.setFloat(0, 1);
                scalars.setFloat(8, v.addend == GemmShape.Addend.NONE ? 0 : 1);
                long result = up((long) v.m * v.n * v.out.bytes());
                stream.fill(d, v.addend == GemmShape.Addend.RESULT ? 0 : 0xff, result);
                if (c != d) {
                    stream.fill(c, 0, result);
                }
                start.record(stream);
                int status = plan.tryRun(handle, stream, scalars, deviceA, deviceB, c, d, workspace, algorithm);
                end.record(stream);
                end.await();
                milliseconds = Math.max(1e-4, end.millisecondsSince(start));
                return status;
            }
        }

        /** Relative error of up to a thousand elements spread over the result. */
        double error() {
            double wrong = 0;
            double size = 0;
            int bytes = v.out.bytes();
            long count = Math.min(SAMPLES, (long) v.m * v.n);
            try (Memory host = new Memory((long) v.m * v.n * bytes)) {
                stream.copyToHost(Pointer.nativeValue(host), d, (long) v.m * v.n * bytes);
                stream.synchronize();
                for (long s = 0; s < count; s++) {
                    long at = s * (((long) v.m * v.n - 1) / count) + s % 2;
                    int i = (int) (at / v.n);
                    int j = (int) (at % v.n);
                    double sum = 0;
                    for (int p = 0; p < v.k; p++) {
                        sum += (double) a[i * v.k + p] * b[j * v.k + p];
                    }
                    if (v.scales != Scales.NONE) {
                        boolean rows = v.scales == Scales.ROWS;
                        sum *= (double) scale(rows ? i : 0, 0) * scale(rows ? j : 0, 3);
                    }
                    double got = v.out == DType.F32 ? host.getFloat(at * bytes) : Host.toFloat(host.getShort(at * bytes));
                    wrong += (got - sum) * (got - sum);
                    size += sum * sum;
                }
            }
            return Math.sqrt(wrong / size);
        }

        @Override
        public void close() {
            start.close();
            end.close();
            memory.close();
        }
    }
}
