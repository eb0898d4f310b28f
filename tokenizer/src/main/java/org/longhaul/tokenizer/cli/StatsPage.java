package org.longhaul.tokenizer.cli;

import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import org.longhaul.tokenizer.ByteLevel;
import org.longhaul.tokenizer.Tokenizer;
import org.longhaul.tokenizer.VocabularyShape;

/** The statistics as one HTML page that needs nothing else. */
final class StatsPage {
    private static final String STYLE = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
            + "table{border-collapse:collapse;width:100%;margin:1rem 0 2rem}td,th{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #ddd}"
            + "td:first-child,th:first-child{text-align:left;overflow-wrap:anywhere}td.bar{width:30%;text-align:left}"
            + "td.bar i{display:block;height:.8rem;background:#4478aa}code{background:#f2f2f2;padding:0 .2rem}"
            + "@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}td,th{border-color:#444}code{background:#333}}";

    private StatsPage() {}

    static String of(String name, Tokenizer t, StatsCommand.TokenStats stats, int top) {
        StringBuilder out = new StringBuilder("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Tokenizer statistics</title><style>")
                .append(STYLE).append("</style><h1>").append(escape(name)).append("</h1><p>");
        out.append(String.format(Locale.ROOT, "%,d tokens, %s, fingerprint <code>%s</code></p>", t.vocabSize(),
                t.preTokenizer().name().toLowerCase(Locale.ROOT), t.fingerprint()));
        out.append("<p>").append(escape(VocabularyShape.of(t).toString())).append("</p>");
        table(out, "Language", stats.byLanguage, top);
        table(out, "Source", stats.bySource, top);
        table(out, "File", stats.byFile, top);
        int[] unused = stats.unused(t);
        out.append(String.format(Locale.ROOT, "<h2>Unused tokens</h2><p>%,d of %,d", unused.length, t.vocabSize()));
        for (int i = 0; i < Math.min(top, unused.length); i++) {
            out.append(i == 0 ? ": " : " ").append("<code>").append(escape(spell(t, unused[i]))).append("</code>");
        }
        out.append("</p><h2>Longest tokens</h2><table><tr><th>token<th>id<th>bytes<th>uses");
        for (int id : StatsCommand.longest(t, top)) {
            out.append(String.format(Locale.ROOT, "<tr><td><code>%s</code><td>%d<td>%d<td>%,d", escape(spell(t, id)), id, t.tokenBytes(id).length,
                    stats.uses[id]));
        }
        return out.append("</table></html>\n").toString();
    }

    /** A token as one reads it, spaces as dots; byte-level characters where it is not text or cannot be seen. */
    static String spell(Tokenizer t, int id) {
        String text = new String(t.tokenBytes(id), StandardCharsets.UTF_8);
        boolean plain = text.indexOf('\uFFFD') < 0 && !text.isBlank() && text.chars().noneMatch(Character::isISOControl);
        return plain ? text.replace(' ', '\u00B7') : ByteLevel.spell(t.tokenBytes(id));
    }

    private static void table(StringBuilder out, String what, Map<String, long[]> rows, int top) {
        double most = rows.values().stream().mapToDouble(n -> n[1] / (double) Math.max(1, n[2])).max().orElse(1);
        out.append("<h2>").append(what).append("</h2><table><tr><th>").append(what.toLowerCase(Locale.ROOT))
                .append("<th>documents<th>bytes<th>tokens<th>bytes/token<th>");
        rows.entrySet().stream().sorted(Comparator.comparingLong(row -> -row.getValue()[1])).limit(top).forEach(row -> {
            long[] n = row.getValue();
            double ratio = n[1] / (double) Math.max(1, n[2]);
            out.append(String.format(Locale.ROOT, "<tr><td>%s<td>%,d<td>%,d<td>%,d<td>%.3f<td class=\"bar\"><i style=\"width:%.0f%%\"></i>",
                    row.getKey().isEmpty() ? "(none)" : escape(row.getKey()), n[0], n[1], n[2], ratio, 100 * ratio / most));
        });
        out.append("</table>");
        if (rows.size() > top) {
            out.append(String.format(Locale.ROOT, "<p>… and %,d more</p>", rows.size() - top));
        }
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }
}
