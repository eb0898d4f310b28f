package org.longhaul.data.job;

import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/** A {@link Report} as one self-contained HTML page. */
final class ReportHtml {
    private static final String STYLE = """
            :root{color-scheme:light dark;--ink:#222;--paper:#fff;--rule:#ddd;--soft:#f5f5f2;--dim:#666;--bar:#4a7bb5}
            @media(prefers-color-scheme:dark){:root{--ink:#ddd;--paper:#181a1b;--rule:#3a3d40;--soft:#242729;--dim:#9a9a9a;--bar:#6b9bd1}}
            body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:var(--ink);background:var(--paper);overflow-wrap:anywhere}
            .scroll{overflow-x:auto;margin:1rem 0}table{border-collapse:collapse;width:100%}
            td,th{padding:.25rem .6rem;border-bottom:1px solid var(--rule);text-align:left;vertical-align:top;overflow-wrap:normal}th{vertical-align:bottom}
            td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}td.n{white-space:nowrap}.bar{background:var(--bar);height:.8rem;margin-top:.3rem;min-width:1px}
            .cell{width:18rem}pre{white-space:pre-wrap;background:var(--soft);padding:.5rem;margin:.2rem 0 1rem;font-size:13px}small{color:var(--dim)}h2{margin-top:2.2rem}
            @media(max-width:40rem){h1{font-size:1.4rem}td,th{padding:.2rem .3rem;font-size:13px}td:first-child{overflow-wrap:anywhere;min-width:5.5rem}.cell{display:none}}""";
    private static final String TABLE = "<div class=scroll><table>";
    private static final String END = "</table></div>";

    private final StringBuilder html = new StringBuilder();
    private final Report report;

    private ReportHtml(Report report) {
        this.report = report;
    }

    static String page(Report report, String title) {
        ReportHtml page = new ReportHtml(report);
        page.html.append("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>").append(escape(title)).append("</title><style>")
                .append(STYLE).append("</style><h1>").append(escape(title)).append("</h1>");
        page.overview();
        page.reasons();
        page.table("Sources", Tally.Row::source);
        page.table("Languages", Tally.Row::language);
        page.problems();
        page.samples();
        return page.html.append("</html>\n").toString();
    }

    private void overview() {
        html.append(TABLE + "<tr><th>documents read<th class=n>kept<th class=n>dropped<th class=n>exact clusters<th class=n>near-duplicate clusters</tr>")
                .append(String.format(Locale.ROOT, "<tr><td>%,d<td class=n>%,d (%.1f&nbsp;%%)<td class=n>%,d<td class=n>%,d<td class=n>%,d</tr>" + END, report.records,
                        report.kept(), percent(report.kept(), report.records), report.dropped(), report.exactClusters, report.nearClusters));
        html.append(TABLE + "<tr><th>split<th class=n>documents<th class=n>tokens<th class=n>bytes of text<th class=n>bytes/token<th class=n>unigram entropy, nats<th class=n>shards</tr>");
        report.splits.forEach((name, split) -> html.append(String.format(Locale.ROOT,
                "<tr><td>%s<td class=n>%,d<td class=n>%,d<td class=n>%,d<td class=n>%.2f<td class=n>%.4f<td class=n>%d</tr>", escape(name), split.documents(),
                split.tokens(), split.bytes(), split.tokens() == 0 ? 0 : split.bytes() / (double) split.tokens(), split.unigramEntropy(), split.shards())));
        html.append(END);
    }

    private void reasons() {
        long most = report.reasons().values().stream().mapToLong(Long::longValue).max().orElse(0);
        html.append("<h2>Dropped, by stage and reason</h2>").append(TABLE)
                .append("<tr><th>stage / reason<th class=n>documents<th class=n>of all read<th class=cell>against the commonest</tr>");
        report.reasons().entrySet().stream().sorted(Map.Entry.<String, Long>comparingByValue().reversed().thenComparing(Map.Entry.comparingByKey()))
                .forEach(entry -> bar(entry.getKey(), entry.getValue(), report.records, most));
        html.append(END);
    }

    private void bar(String name, long n, long of, long most) {
        double percent = percent(n, of);
        html.append(String.format(Locale.ROOT, "<tr><td>%s<td class=n>%,d<td class=n>%s&nbsp;%%<td class=cell><div class=bar style=\"width:%.1f%%\"></div></tr>",
                escape(name), n, n > 0 && percent < 0.01 ? "&lt;&nbsp;0.01" : String.format(Locale.ROOT, "%.2f", percent), percent(n, most)));
    }

    private void table(String title, Function<Tally.Row, String> name) {
        Map<String, long[]> sums = new TreeMap<>();
        for (Tally.Row row : report.tally.rows()) {
            long[] sum = sums.computeIfAbsent(name.apply(row).isEmpty() ? "unknown" : name.apply(row), k -> new long[4]);
            sum[0] += row.documents();
            if (row.stage().equals(DecisionLog.KEPT)) {
                sum[1] += row.documents();
                sum[2] += row.bytes();
                sum[3] += row.tokens();
            }
        }
        html.append("<h2>").append(title).append("</h2>").append(TABLE).append("<tr><th>name<th class=n>documents<th class=n>kept<th class=n>kept&nbsp;%<th class=n>kept bytes<th class=n>kept tokens</tr>");
        sums.entrySet().stream().sorted(Map.Entry.comparingByValue(Comparator.comparingLong((long[] sum) -> -sum[2])))
                .forEach(entry -> html.append(String.format(Locale.ROOT, "<tr><td>%s<td class=n>%,d<td class=n>%,d<td class=n>%.1f<td class=n>%,d<td class=n>%,d</tr>",
                        escape(entry.getKey()), entry.getValue()[0], entry.getValue()[1], percent(entry.getValue()[1], entry.getValue()[0]),
                        entry.getValue()[2], entry.getValue()[3])));
        html.append(END);
    }

    private void problems() {
        if (report.problemCounts.isEmpty() && report.ignoredFiles.isEmpty()) {
            return;
        }
        html.append("<h2>Input that could not be used or was repaired</h2>").append(TABLE);
        report.problemCounts.forEach((kind, n) -> html.append(String.format(Locale.ROOT, "<tr><td>%s<td class=n>%,d</tr>", escape(kind), n)));
        html.append(END).append("<pre>");
        report.problems.forEach(problem -> html.append(escape(problem.message())).append('\n'));
        report.ignoredFiles.forEach(file -> html.append(escape(file)).append(": unknown format, not read\n"));
        html.append("</pre>");
    }

    private void samples() {
        html.append("<h2>Samples of dropped text</h2>");
        String group = "";
        for (Samples.Sample sample : report.samples.list()) {
            String now = sample.stage() + " / " + sample.reason();
            if (!now.equals(group)) {
                html.append("<h3>").append(escape(now)).append("</h3>");
                group = now;
            }
            html.append("<div><small>").append(escape(sample.source())).append(' ').append(escape(sample.id())).append(" – ")
                    .append(escape(sample.file())).append(": ").append(escape(sample.position())).append(String.format(Locale.ROOT, " – score %.4g", sample.score()))
                    .append("</small><pre dir=auto>").append(escape(sample.excerpt())).append("</pre></div>");
        }
    }

    private static double percent(long part, long whole) {
        return whole == 0 ? 0 : 100.0 * part / whole;
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }
}
