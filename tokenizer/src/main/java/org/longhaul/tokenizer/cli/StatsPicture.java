package org.longhaul.tokenizer.cli;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;
import org.longhaul.error.UserError;
import org.longhaul.tokenizer.Tokenizer;

/** The statistics as one picture: bytes per token, how often tokens are used, the longest tokens. */
final class StatsPicture {
    private static final int WIDTH = 1240;
    private static final int HEIGHT = 760;
    private static final int MARGIN = 40;
    private static final int HALF = 600;
    private static final int ROW = 26;
    private static final int ROWS = 22;
    private static final Color INK = new Color(0x222222);
    private static final Color PALE = new Color(0xDDDDDD);
    private static final Color BAR = new Color(0x4478AA);

    private final Graphics2D g;

    private StatsPicture(Graphics2D g) {
        this.g = g;
    }

    static void write(Path file, String name, Tokenizer t, StatsCommand.TokenStats stats) {
        BufferedImage image = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = image.createGraphics();
        try {
            new StatsPicture(g).draw(name, t, stats);
        } catch (InternalError | NoClassDefFoundError | UnsatisfiedLinkError | NullPointerException e) {
            // What a Java runtime throws that finds no fonts depends on its version.
            throw UserError.environment(file + ": cannot be drawn: this Java finds no fonts (" + e.getMessage()
                    + "): install fontconfig and a font, or use --html", e);
        } finally {
            g.dispose();
        }
        try (OutputStream out = Files.newOutputStream(file)) {
            if (!ImageIO.write(image, "png", out)) {
                throw new IOException("this Java writes no PNG");
            }
        } catch (IOException e) {
            throw UserError.environment(file + ": cannot be written: " + e.getMessage(), e);
        }
    }

    private void draw(String name, Tokenizer t, StatsCommand.TokenStats stats) {
        g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        g.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        g.setColor(Color.WHITE);
        g.fillRect(0, 0, WIDTH, HEIGHT);
        int unused = stats.unused(t).length;
        text(clipped(name, WIDTH - 2 * MARGIN, 20), MARGIN, 44, 20, INK);
        text(String.format(Locale.ROOT, "%,d tokens, %,d (%.1f %%) of them unused here; fingerprint %s", t.vocabSize(), unused,
                100.0 * unused / t.vocabSize(), t.fingerprint().substring(0, 16)), MARGIN, 68, 14, INK);
        boolean languages = stats.byLanguage.size() > 1;
        bars("Bytes per token by " + (languages ? "language" : "file") + ", most text first", languages ? stats.byLanguage : stats.byFile);
        ranks("Uses of a token by its rank", stats.uses);
        longest(t, stats);
    }

    private void bars(String title, Map<String, long[]> rows) {
        int top = 110;
        text(title, MARGIN, top, 16, INK);
        List<Map.Entry<String, long[]>> most = rows.entrySet().stream().sorted(Comparator.comparingLong(row -> -row.getValue()[1])).limit(ROWS).toList();
        double widest = most.stream().mapToDouble(row -> ratio(row.getValue())).max().orElse(1);
        int labels = 190;
        for (int i = 0; i < most.size(); i++) {
            int y = top + 14 + i * ROW;
            String label = most.get(i).getKey().isEmpty() ? "(none)" : most.get(i).getKey();
            text(clipped(label, labels - 10, 14), MARGIN, y + 17, 14, INK);
            double value = ratio(most.get(i).getValue());
            int width = (int) Math.round((HALF - MARGIN - labels - 60) * value / widest);
            g.setColor(BAR);
            g.fillRect(MARGIN + labels, y + 4, width, ROW - 9);
            text(String.format(Locale.ROOT, "%.2f", value), MARGIN + labels + width + 6, y + 17, 14, INK);
        }
        if (rows.size() > ROWS) {
            text(String.format(Locale.ROOT, "the %d with the most text, of %,d", ROWS, rows.size()), MARGIN, top + 34 + ROWS * ROW, 13, INK);
        }
    }

    private static double ratio(long[] row) {
        return row[1] / (double) Math.max(1, row[2]);
    }

    /** Both axes logarithmic, lines at powers of ten. */
    private void ranks(String title, long[] uses) {
        long[] sorted = Arrays.stream(uses).filter(n -> n > 0).sorted().toArray();
        int left = HALF + 110;
        int right = WIDTH - MARGIN;
        int top = 130;
        int bottom = 380;
        text(title, HALF + 40, 110, 16, INK);
        if (sorted.length < 2) {
            return;
        }
        double decades = Math.ceil(Math.log10(sorted.length));
        double height = Math.max(1, Math.ceil(Math.log10(sorted[sorted.length - 1])));
        for (int i = 0; i <= decades; i++) {
            int x = (int) (left + (right - left) * i / decades);
            line(x, top, x, bottom, PALE, 1);
            centred(power(i), x, bottom + 18);
        }
        for (int i = 0; i <= height; i++) {
            int y = (int) (bottom - (bottom - top) * i / height);
            line(left, y, right, y, PALE, 1);
            String label = power(i);
            text(label, left - 8 - metrics(13).stringWidth(label), y + 5, 13, INK);
        }
        int steps = 400;
        int x0 = -1;
        int y0 = 0;
        for (int i = 0; i <= steps; i++) {
            int rank = (int) Math.min(sorted.length, Math.round(Math.pow(sorted.length, i / (double) steps)));
            int x = (int) (left + (right - left) * Math.log10(rank) / decades);
            int y = (int) (bottom - (bottom - top) * Math.log10(sorted[sorted.length - rank]) / height);
            if (x0 >= 0) {
                line(x0, y0, x, y, BAR, 2.5f);
            }
            x0 = x;
            y0 = y;
        }
    }

    private static String power(int exponent) {
        return String.format(Locale.ROOT, "%,d", Math.round(Math.pow(10, exponent)));
    }

    private void longest(Tokenizer t, StatsCommand.TokenStats stats) {
        int x = HALF + 40;
        int y = 440;
        text("Longest tokens", x, y, 16, INK);
        text("id", WIDTH - MARGIN - 230, y, 13, INK);
        text("bytes", WIDTH - MARGIN - 150, y, 13, INK);
        text("uses", WIDTH - MARGIN - 60, y, 13, INK);
        for (int id : StatsCommand.longest(t, 10)) {
            y += ROW;
            text(clipped(shown(StatsPage.spell(t, id)), WIDTH - MARGIN - 250 - x, 14), x, y, 14, INK);
            text(String.valueOf(id), WIDTH - MARGIN - 230, y, 14, INK);
            text(String.valueOf(t.tokenBytes(id).length), WIDTH - MARGIN - 150, y, 14, INK);
            text(String.format(Locale.ROOT, "%,d", stats.uses[id]), WIDTH - MARGIN - 60, y, 14, INK);
        }
    }

    /** Code points where this machine has no font for the text. */
    private static String shown(String text) {
        return font(14).canDisplayUpTo(text) < 0 ? text
                : text.codePoints().limit(40).mapToObj(c -> String.format("U+%04X", c)).collect(Collectors.joining(" "));
    }

    private static Font font(int size) {
        return new Font(Font.SANS_SERIF, Font.PLAIN, size);
    }

    private FontMetrics metrics(int size) {
        return g.getFontMetrics(font(size));
    }

    private String clipped(String text, int width, int size) {
        FontMetrics metrics = metrics(size);
        if (metrics.stringWidth(text) <= width) {
            return text;
        }
        int end = text.length();
        while (end > 0 && metrics.stringWidth(text.substring(0, end) + "\u2026") > width) {
            end = text.offsetByCodePoints(end, -1);
        }
        return text.substring(0, end) + "\u2026";
    }

    private void centred(String text, int x, int y) {
        text(text, x - metrics(13).stringWidth(text) / 2, y, 13, INK);
    }

    private void text(String text, int x, int y, int size, Color color) {
        g.setFont(font(size));
        g.setColor(color);
        g.drawString(text, x, y);
    }

    private void line(int x0, int y0, int x1, int y1, Color color, float width) {
        g.setStroke(new BasicStroke(width));
        g.setColor(color);
        g.drawLine(x0, y0, x1, y1);
    }
}
