package org.longhaul.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Results as text. */
final class BenchTable {
    private BenchTable() {}

    static String line(BenchResult r) {
        return r.ran()
                ? String.format(
                        Locale.ROOT, "%-9s %-14s %8.1f ms  %,9.0f tokens/s  %6.1f TFLOP/s  %6.1f GiB  loss %.4f  %s", r.shape(), r.program(),
                        1e3 * r.stepSeconds(), r.tokensPerSecond(), r.teraflops(), r.peakGib(), r.lastLoss(), r.remark())
                : String.format(Locale.ROOT, "%-9s %-14s failed: %s", r.shape(), r.program(), r.remark());
    }

    /** One row a shape and program, the mean of its rounds' medians, and ours over each peer. */
    static String of(List<BenchResult> results) {
        Map<String, double[]> sums = new LinkedHashMap<>();
        for (BenchResult r : results) {
            if (r.ran()) {
                double[] s = sums.computeIfAbsent(r.shape() + "\u0000" + r.program(), k -> new double[4]);
                s[0]++;
                s[1] += r.tokensPerSecond();
                s[2] += r.teraflops();
                s[3] = Math.max(s[3], r.peakGib());
            }
        }
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT, "%-9s %-14s %11s %9s %9s %8s%n", "shape", "program", "tokens/s", "TFLOP/s", "peak GiB", "ours ×"));
        sums.forEach((key, s) -> {
            String[] names = key.split("\u0000");
            double[] ours = sums.get(names[0] + "\u0000longhaul");
            String ratio = names[1].equals("longhaul") || ours == null
                    ? ""
                    : String.format(Locale.ROOT, "%.3f", ours[1] / ours[0] / (s[1] / s[0]));
            text.append(String.format(
                    Locale.ROOT, "%-9s %-14s %,11.0f %9.1f %9.1f %8s%n", names[0], names[1], s[1] / s[0], s[2] / s[0], s[3], ratio));
        });
        results.stream().filter(r -> !r.ran()).forEach(r -> text.append(line(r)).append('\n'));
        return text.toString();
    }
}
