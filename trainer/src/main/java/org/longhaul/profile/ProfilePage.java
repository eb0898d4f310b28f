package org.longhaul.profile;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/** A profile as a page of text and as a trace for Chrome or Perfetto. */
final class ProfilePage {
    private ProfilePage() {}

    // Milliseconds, runs, FLOPs, bytes.
    private static double[] count(double[] sums, OpsProfile.Span s) {
        sums[0] += s.ms();
        sums[1]++;
        sums[2] += s.flops();
        sums[3] += s.bytes();
        return sums;
    }

    /** Where a step's time goes; per step, by kind and by operation, with the rate of each. */
    static String text(String title, List<OpsProfile.Span> spans, int steps) {
        Map<OpsProfile.Kind, double[]> kinds = new EnumMap<>(OpsProfile.Kind.class);
        Map<String, double[]> names = new TreeMap<>();
        double end = 0;
        double busy = 0;
        for (OpsProfile.Span s : spans) {
            end = Math.max(end, s.endMs());
            if (s.endMs() > s.startMs()) {
                busy += s.ms();
                count(kinds.computeIfAbsent(s.kind(), k -> new double[4]), s);
                count(names.computeIfAbsent(s.name(), k -> new double[4]), s);
            }
        }
        StringBuilder out = new StringBuilder(String.format(Locale.ROOT, "%s: %.2f ms a step over %d steps%n", title, end / steps, steps));
        double whole = end;
        kinds.forEach((kind, sums) -> out.append(row(kind.label(), sums, steps, whole)));
        out.append(row("between operations", new double[] {end - busy, 0, 0, 0}, steps, whole)).append('\n');
        names.entrySet().stream()
                .sorted((a, b) -> Double.compare(b.getValue()[0], a.getValue()[0]))
                .forEach(e -> out.append(row("  " + e.getKey(), e.getValue(), steps, whole)));
        return out.toString();
    }

    private static String row(String label, double[] sums, int steps, double whole) {
        String rate = sums[2] > 0
                ? String.format(Locale.ROOT, "%7.0f TFLOP/s", sums[2] / sums[0] / 1e9)
                : sums[3] > 0 ? String.format(Locale.ROOT, "%7.2f TB/s", sums[3] / sums[0] / 1e9) : "";
        return String.format(
                Locale.ROOT, "%-34s %9.3f ms %6.1f %%  %6.0f×  %s%n", label, sums[0] / steps, 100 * sums[0] / whole, sums[1] / steps, rate);
    }

    /** Writes the spans in the trace event format. */
    static void trace(Path file, List<OpsProfile.Span> spans) {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode root = mapper.createObjectNode();
        ArrayNode events = root.putArray("traceEvents");
        for (OpsProfile.Span s : spans) {
            if (s.endMs() > s.startMs()) {
                ObjectNode e = events.addObject();
                e.put("name", s.name()).put("cat", s.kind().label()).put("ph", "X").put("pid", 0).put("tid", 0);
                e.put("ts", 1e3 * s.startMs()).put("dur", 1e3 * s.ms());
                ObjectNode arguments = e.putObject("args");
                if (s.flops() > 0) {
                    arguments.put("TFLOP/s", s.flops() / s.ms() / 1e9);
                } else {
                    arguments.put("TB/s", s.bytes() / s.ms() / 1e9);
                }
            }
        }
        try {
            Files.write(file, mapper.writeValueAsBytes(root));
        } catch (IOException e) {
            throw UserError.environment("cannot write the trace " + file + ": " + Reason.of(e), e);
        }
    }
}
