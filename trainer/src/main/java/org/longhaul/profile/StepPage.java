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
import org.longhaul.profile.OpsProfile.Kind;

/**
 * Profiled steps as one page of text, the same as JSON, and a trace for Chrome or Perfetto.
 *
 * @param title of the page
 * @param steps how many
 * @param tokens of one step of the whole job
 * @param peakFlops of one GPU by its data sheet, 0 where unknown
 * @param peakBytes its memory's bytes a second, 0 where unknown
 */
public record StepPage(String title, int steps, long tokens, double peakFlops, double peakBytes) {
    private static final int LARGEST = 20;

    private static final class Sum {
        private double ms;
        private long runs;
        private double flops;
        private double bytes;

        private void add(double milliseconds, double operations, double moved) {
            ms += milliseconds;
            runs++;
            flops += operations;
            bytes += moved;
        }
    }

    /** Writes NAME.txt, NAME.json and NAME.trace.json. */
    public void write(Path folder, String name, StepTimes times) {
        try {
            Files.createDirectories(folder);
            Files.writeString(folder.resolve(name + ".txt"), text(times));
            ObjectMapper mapper = new ObjectMapper();
            Files.write(folder.resolve(name + ".json"), mapper.writerWithDefaultPrettyPrinter().writeValueAsBytes(json(times)));
            Files.write(folder.resolve(name + ".trace.json"), mapper.writeValueAsBytes(trace(times)));
        } catch (IOException e) {
            throw UserError.environment("cannot write the profile into " + folder + ": " + Reason.of(e) + "; free space or set profile.dir", e);
        }
    }

    /** The page. */
    String text(StepTimes times) {
        double step = times.endMs() / steps;
        StringBuilder out = new StringBuilder(String.format(Locale.ROOT, "%s: %.2f ms a step, %,.0f tokens/s while profiled%n", title, step,
                1e3 * tokens / step));
        ObjectNode roofline = roofline(times);
        if (roofline.has("share")) {
            out.append(String.format(Locale.ROOT, "roofline: products and attention at %.0f TFLOP/s, the rest at %.2f TB/s would take %.2f ms, %.1f %%%n",
                    peakFlops / 1e12, peakBytes / 1e12, roofline.get("ms_per_step").asDouble(), 100 * roofline.get("share").asDouble()));
        }
        out.append('\n');
        kinds(times).forEach((kind, sum) -> out.append(row(kind.label(), sum, times.endMs())));
        out.append(row("communication, nothing beside it", plain(times.exposedCommunicationMs()), times.endMs()));
        out.append(row("idle", plain(times.idleMs()), times.endMs()));
        if (!times.transfers().isEmpty()) {
            out.append(row("(communication in all)", plain(times.communicationMs()), times.endMs()));
        }
        out.append('\n');
        rows(out, names(times), times.endMs());
        out.append('\n');
        rows(out, phases(times), times.endMs());
        return out.toString();
    }

    private void rows(StringBuilder out, Map<String, Sum> sums, double whole) {
        sums.entrySet().stream().sorted((a, b) -> Double.compare(b.getValue().ms, a.getValue().ms)).limit(LARGEST)
                .forEach(e -> out.append(row("  " + e.getKey(), e.getValue(), whole)));
        if (sums.size() > LARGEST) {
            out.append("  and ").append(sums.size() - LARGEST).append(" shorter ones\n");
        }
    }

    private String row(String label, Sum s, double whole) {
        String rate = s.ms <= 0 ? "" : s.flops > 0 ? rate(s.flops / s.ms, "FLOP/s") : s.bytes > 0 ? rate(s.bytes / s.ms, "B/s") : "";
        String runs = s.runs == 0 ? "" : String.format(Locale.ROOT, "%6.0f×", (double) s.runs / steps);
        return String.format(Locale.ROOT, "%-40s %9.3f ms %6.1f %%  %7s %s", label, s.ms / steps, 100 * s.ms / whole, runs, rate).stripTrailing() + "\n";
    }

    private static String rate(double perMs, String unit) {
        return perMs >= 1e8 ? String.format(Locale.ROOT, "%8.2f T%s", perMs / 1e9, unit) : String.format(Locale.ROOT, "%8.2f G%s", perMs / 1e6, unit);
    }

    private static Sum plain(double ms) {
        Sum s = new Sum();
        s.ms = ms;
        return s;
    }

    private static Map<Kind, Sum> kinds(StepTimes times) {
        Map<Kind, Sum> sums = new EnumMap<>(Kind.class);
        times.operations().forEach(o -> sums.computeIfAbsent(o.kind(), k -> new Sum()).add(o.ms(), o.flops(), o.bytes()));
        return sums;
    }

    private static Map<String, Sum> names(StepTimes times) {
        Map<String, Sum> sums = new TreeMap<>();
        times.operations().forEach(o -> sums.computeIfAbsent(o.name(), k -> new Sum()).add(o.ms(), o.flops(), o.bytes()));
        times.transfers().forEach(t -> sums.computeIfAbsent(t.name(), k -> new Sum()).add(t.endMs() - t.startMs(), 0, t.bytes()));
        return sums;
    }

    // Layers and steps of a kind become one line.
    private static Map<String, Sum> phases(StepTimes times) {
        Map<String, Sum> sums = new TreeMap<>();
        times.device().forEach(r -> sums.computeIfAbsent(r.name().replaceAll("\\d+", "*"), k -> new Sum()).add(r.endMs() - r.startMs(), 0, 0));
        return sums;
    }

    private ObjectNode roofline(StepTimes times) {
        ObjectNode node = new ObjectMapper().createObjectNode();
        if (peakFlops > 0 && peakBytes > 0) {
            double ms = times.operations().stream()
                    .mapToDouble(o -> o.flops() > 0 ? 1e3 * o.flops() / peakFlops : 1e3 * o.bytes() / peakBytes).sum();
            node.put("peak_flops", peakFlops).put("peak_bytes_per_second", peakBytes);
            node.put("ms_per_step", ms / steps).put("share", ms / times.endMs());
        }
        return node;
    }

    /** The page's numbers; milliseconds are of one step. */
    ObjectNode json(StepTimes times) {
        ObjectNode root = new ObjectMapper().createObjectNode();
        root.put("title", title).put("steps", steps).put("ms_per_step", times.endMs() / steps);
        root.put("tokens_per_second", 1e3 * tokens * steps / times.endMs());
        ObjectNode kinds = root.putObject("ms_by_kind");
        for (Kind kind : Kind.values()) {
            if (kind != Kind.COMMUNICATION) {
                Sum s = kinds(times).get(kind);
                kinds.put(kind.name().toLowerCase(Locale.ROOT), s == null ? 0 : s.ms / steps);
            }
        }
        kinds.put("exposed_communication", times.exposedCommunicationMs() / steps);
        kinds.put("idle", times.idleMs() / steps);
        root.put("communication_ms", times.communicationMs() / steps);
        if (!roofline(times).isEmpty()) {
            root.set("roofline", roofline(times));
        }
        ArrayNode operations = root.putArray("operations");
        names(times).forEach((name, s) -> {
            ObjectNode o = operations.addObject().put("name", name).put("ms", s.ms / steps).put("runs", (double) s.runs / steps);
            if (s.flops > 0) {
                o.put("tflops", s.flops / s.ms / 1e9);
            } else if (s.ms > 0) {
                o.put("terabytes_per_second", s.bytes / s.ms / 1e9);
            }
        });
        return root;
    }

    /** The trace event format: process 0 is the host, process 1 the device with a track a stream. */
    ObjectNode trace(StepTimes times) {
        ObjectNode root = new ObjectMapper().createObjectNode();
        root.put("displayTimeUnit", "ms");
        ArrayNode events = root.putArray("traceEvents");
        name(events, "process_name", 0, 0, "host");
        name(events, "process_name", 1, 0, "device");
        name(events, "thread_name", 0, 0, times.thread());
        for (int i = 0; i < times.streams().size(); i++) {
            name(events, "thread_name", 1, i, i == 0 ? "compute" : times.streams().get(i));
        }
        ranges(events, 0, times.host());
        ranges(events, 1, times.device());
        for (OpsProfile.Span o : times.operations()) {
            ObjectNode arguments = event(events, o.name(), o.kind().label(), 1, 0, o.startMs(), o.endMs()).putObject("args");
            if (o.ms() > 0) {
                arguments.put(o.flops() > 0 ? "TFLOP/s" : "TB/s", (o.flops() > 0 ? o.flops() : o.bytes()) / o.ms() / 1e9);
            }
        }
        for (StepTimes.Transfer t : times.transfers()) {
            event(events, t.name(), Kind.COMMUNICATION.label(), 1, t.stream(), t.startMs(), t.endMs()).putObject("args").put("bytes", t.bytes());
        }
        return root;
    }

    // Outer ranges first: viewers nest events of equal start in the order of the file.
    private static void ranges(ArrayNode events, int process, List<StepTimes.Range> ranges) {
        ranges.stream().sorted((a, b) -> a.startMs() != b.startMs() ? Double.compare(a.startMs(), b.startMs()) : Integer.compare(a.depth(), b.depth()))
                .forEach(r -> event(events, r.name(), "phase", process, 0, r.startMs(), r.endMs()));
    }

    private static ObjectNode event(ArrayNode events, String name, String category, int process, int track, double startMs, double endMs) {
        return events.addObject().put("name", name).put("cat", category).put("ph", "X").put("pid", process).put("tid", track)
                .put("ts", 1e3 * startMs).put("dur", 1e3 * (endMs - startMs));
    }

    private static void name(ArrayNode events, String what, int process, int track, String name) {
        events.addObject().put("name", what).put("ph", "M").put("pid", process).put("tid", track).putObject("args").put("name", name);
    }
}
