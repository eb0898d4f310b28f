package org.longhaul.tokenizer.cli;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.longhaul.picture.Axis;
import org.longhaul.picture.Canvas;
import org.longhaul.picture.Canvas.Anchor;
import org.longhaul.picture.Drawing;
import org.longhaul.tokenizer.Tokenizer;

/** The statistics as one picture: bytes per token, how often tokens are used, the longest tokens. */
record StatsDrawing(String name, Tokenizer tokenizer, StatsCommand.TokenStats stats) {
    private static final int WIDTH = 1240;
    private static final int HEIGHT = 760;
    private static final int MARGIN = 40;
    private static final int HALF = 600;
    private static final int ROW = 26;
    private static final int ROWS = 22;
    private static final int INK = 0x222222;
    private static final int PALE = 0xDDDDDD;
    private static final int BAR = 0x4478AA;

    Drawing drawing() {
        return new Drawing(WIDTH, HEIGHT, "Tokenizer statistics of " + name, this::paint);
    }

    private void paint(Canvas c) {
        c.text(c.clipped(name, WIDTH - 2 * MARGIN, 20), MARGIN, 44, 20, INK, Anchor.START);
        int unused = stats.unused(tokenizer).length;
        c.text(String.format(Locale.ROOT, "%,d tokens, %,d (%.1f %%) of them unused here; fingerprint %s", tokenizer.vocabSize(), unused,
                100.0 * unused / tokenizer.vocabSize(), tokenizer.fingerprint().substring(0, 16)), MARGIN, 68, 14, INK, Anchor.START);
        boolean languages = stats.byLanguage.size() > 1;
        bars(c, "Bytes per token by " + (languages ? "language" : "file") + ", most text first", languages ? stats.byLanguage : stats.byFile);
        ranks(c, "Uses of a token by its rank", stats.uses);
        longest(c);
    }

    private static void bars(Canvas c, String title, Map<String, long[]> rows) {
        int top = 110;
        c.text(title, MARGIN, top, 16, INK, Anchor.START);
        List<Map.Entry<String, long[]>> most = rows.entrySet().stream().sorted(Comparator.comparingLong(row -> -row.getValue()[1])).limit(ROWS).toList();
        double widest = most.stream().mapToDouble(row -> ratio(row.getValue())).max().orElse(1);
        int labels = 190;
        for (int i = 0; i < most.size(); i++) {
            int y = top + 14 + i * ROW;
            String label = most.get(i).getKey().isEmpty() ? "(none)" : most.get(i).getKey();
            c.text(c.clipped(label, labels - 10, 14), MARGIN, y + 17, 14, INK, Anchor.START);
            double value = ratio(most.get(i).getValue());
            double width = (HALF - MARGIN - labels - 60) * value / widest;
            c.box(MARGIN + labels, y + 4, width, ROW - 9, BAR);
            c.text(String.format(Locale.ROOT, "%.2f", value), MARGIN + labels + width + 6, y + 17, 14, INK, Anchor.START);
        }
        if (rows.size() > ROWS) {
            c.text(String.format(Locale.ROOT, "the %d with the most text, of %,d", ROWS, rows.size()), MARGIN, top + 34 + ROWS * ROW, 13, INK, Anchor.START);
        }
    }

    private static double ratio(long[] row) {
        return row[1] / (double) Math.max(1, row[2]);
    }

    /** Both axes logarithmic, lines at powers of ten. */
    private static void ranks(Canvas c, String title, long[] uses) {
        long[] sorted = Arrays.stream(uses).filter(n -> n > 0).sorted().toArray();
        int top = 130;
        int bottom = 380;
        c.text(title, HALF + 40, 110, 16, INK, Anchor.START);
        if (sorted.length < 2) {
            return;
        }
        Axis x = new Axis(0, Math.ceil(Math.log10(sorted.length)), HALF + 110, WIDTH - MARGIN);
        Axis y = new Axis(0, Math.max(1, Math.ceil(Math.log10(sorted[sorted.length - 1]))), bottom, top);
        for (int i = 0; i <= x.to(); i++) {
            c.line(x.at(i), top, x.at(i), bottom, PALE, 1);
            c.text(power(i), x.at(i), bottom + 18, 13, INK, Anchor.MIDDLE);
        }
        for (int i = 0; i <= y.to(); i++) {
            c.line(x.start(), y.at(i), x.end(), y.at(i), PALE, 1);
            c.text(power(i), x.start() - 8, y.at(i) + 5, 13, INK, Anchor.END);
        }
        int steps = 400;
        int[] ranks = IntStream.rangeClosed(0, steps).map(i -> (int) Math.min(sorted.length, Math.round(Math.pow(sorted.length, i / (double) steps))))
                .distinct().toArray();
        c.path(Arrays.stream(ranks).mapToDouble(rank -> x.at(Math.log10(rank))).toArray(),
                Arrays.stream(ranks).mapToDouble(rank -> y.at(Math.log10(sorted[sorted.length - rank]))).toArray(), BAR, 2.5);
    }

    private static String power(int exponent) {
        return String.format(Locale.ROOT, "%,d", Math.round(Math.pow(10, exponent)));
    }

    private void longest(Canvas c) {
        int x = HALF + 40;
        int y = 440;
        c.text("Longest tokens", x, y, 16, INK, Anchor.START);
        c.text("id", WIDTH - MARGIN - 190, y, 13, INK, Anchor.END);
        c.text("bytes", WIDTH - MARGIN - 110, y, 13, INK, Anchor.END);
        c.text("uses", WIDTH - MARGIN, y, 13, INK, Anchor.END);
        for (int id : StatsCommand.longest(tokenizer, 10)) {
            y += ROW;
            c.text(c.clipped(StatsPage.spell(tokenizer, id), WIDTH - MARGIN - 260 - x, 14), x, y, 14, INK, Anchor.START);
            c.text(String.valueOf(id), WIDTH - MARGIN - 190, y, 14, INK, Anchor.END);
            c.text(String.valueOf(tokenizer.tokenBytes(id).length), WIDTH - MARGIN - 110, y, 14, INK, Anchor.END);
            c.text(String.format(Locale.ROOT, "%,d", stats.uses[id]), WIDTH - MARGIN, y, 14, INK, Anchor.END);
        }
    }
}
