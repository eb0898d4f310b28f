package org.longhaul.data.job;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** A {@link Report} as lines for a terminal. */
final class ReportText {
    private final Report report;
    private final List<String> lines = new ArrayList<>();

    private ReportText(Report report) {
        this.report = report;
    }

    /** What a run ends with. */
    static List<String> summary(Report report) {
        ReportText text = new ReportText(report);
        text.head();
        text.reasons();
        text.problems(5);
        return text.lines;
    }

    /** What {@code data inspect} prints. */
    static List<String> full(Report report, int samples) {
        ReportText text = new ReportText(report);
        text.head();
        text.reasons();
        text.table("source", Tally.Row::source);
        text.table("language", Tally.Row::language);
        text.problems(50);
        text.samples(samples);
        return text.lines;
    }

    private void head() {
        lines.add(String.format("documents  %,d read, %,d kept (%.1f %%), %,d dropped", report.records, report.kept(),
                percent(report.kept(), report.records), report.dropped()));
        lines.add(String.format("duplicates %,d exact clusters, %,d near-duplicate clusters from %,d pairs", report.exactClusters,
                report.nearClusters, report.pairs));
        report.splits.forEach((name, split) -> lines.add(String.format(
                "%-10s %,d documents, %,d tokens, %,d bytes of text (%.2f bytes/token), unigram entropy %.4f nats, %d shard%s", name,
                split.documents(), split.tokens(), split.bytes(), split.tokens() == 0 ? 0 : split.bytes() / (double) split.tokens(),
                split.unigramEntropy(), split.shards(), split.shards() == 1 ? "" : "s")));
    }

    private void reasons() {
        SortedMap<String, Long> reasons = report.reasons();
        if (reasons.isEmpty()) {
            return;
        }
        lines.add("");
        lines.add("dropped, by stage and reason");
        reasons.entrySet().stream().sorted(Map.Entry.<String, Long>comparingByValue().reversed().thenComparing(Map.Entry.comparingByKey()))
                .forEach(entry -> lines.add(String.format("  %,12d  %5.1f %%  %s", entry.getValue(), percent(entry.getValue(), report.records), entry.getKey())));
    }

    private interface Name {
        String of(Tally.Row row);
    }

    private void table(String title, Name name) {
        Map<String, long[]> sums = new TreeMap<>();
        for (Tally.Row row : report.tally.rows()) {
            long[] sum = sums.computeIfAbsent(name.of(row).isEmpty() ? "unknown" : name.of(row), k -> new long[4]);
            sum[0] += row.documents();
            if (row.stage().equals(DecisionLog.KEPT)) {
                sum[1] += row.documents();
                sum[2] += row.bytes();
                sum[3] += row.tokens();
            }
        }
        Map<String, long[]> sorted = new LinkedHashMap<>();
        sums.entrySet().stream().sorted(Map.Entry.comparingByValue(Comparator.comparingLong((long[] sum) -> -sum[2])))
                .forEach(entry -> sorted.put(entry.getKey(), entry.getValue()));
        lines.add("");
        lines.add(String.format("%-24s %12s %12s %8s %15s %15s", title, "documents", "kept", "kept %", "kept bytes", "kept tokens"));
        sorted.forEach((key, sum) -> lines.add(String.format("%-24s %,12d %,12d %8.1f %,15d %,15d", key, sum[0], sum[1],
                percent(sum[1], sum[0]), sum[2], sum[3])));
    }

    private void problems(int most) {
        if (report.problemCounts.isEmpty() && report.ignoredFiles.isEmpty()) {
            return;
        }
        lines.add("");
        lines.add("input that could not be used or was repaired");
        report.problemCounts.forEach((kind, n) -> lines.add(String.format("  %,12d  %s", n, kind)));
        report.problems.stream().limit(most).forEach(problem -> lines.add("  " + problem.message()));
        long all = report.problemCounts.values().stream().mapToLong(Long::longValue).sum();
        if (all > most) {
            lines.add(String.format("  … and %,d more; `longhaul data inspect` and the decisions folder have them", all - Math.min(most, report.problems.size())));
        }
        report.ignoredFiles.stream().limit(most).forEach(file -> lines.add("  " + file + ": unknown format, not read"));
    }

    private void samples(int each) {
        if (each == 0) {
            return;
        }
        String group = "";
        int shown = 0;
        for (Samples.Sample sample : report.samples.list()) {
            String now = sample.stage() + " / " + sample.reason();
            if (!now.equals(group)) {
                group = now;
                shown = 0;
                lines.add("");
                lines.add("dropped: " + group);
            }
            if (shown++ < each) {
                lines.add(String.format("  %s  %s: %s  score %.4g", sample.id().isEmpty() ? sample.source() : sample.source() + " " + sample.id(),
                        sample.file(), sample.position(), sample.score()));
                sample.excerpt().lines().limit(4).forEach(line -> lines.add("    | " + line));
            }
        }
    }

    private static double percent(long part, long whole) {
        return whole == 0 ? 0 : 100.0 * part / whole;
    }
}
