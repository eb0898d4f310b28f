package org.longhaul.metrics;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.longhaul.picture.Axis;
import org.longhaul.picture.Canvas;
import org.longhaul.picture.Canvas.Anchor;
import org.longhaul.picture.Drawing;

/**
 * The loss curve of a run: training loss (where several steps fall on one pixel, their mean on a band from lowest to highest), validation points,
 * the learning rate on an axis of its own at the right.
 */
final class LossDrawing {
    private static final int WIDTH = 960;
    private static final int HEIGHT = 520;
    private static final int LEFT = 70;
    private static final int RIGHT = WIDTH - 90;
    private static final int TOP = 92;
    private static final int BOTTOM = HEIGHT - 58;
    private static final int INK = 0x2D3748;
    private static final int GRID = 0xE2E8F0;
    private static final int LOSS = 0x2B6CB0;
    private static final int BAND = 0xBEE3F8;
    private static final int VALIDATION = 0xC53030;
    private static final int RATE = 0x718096;
    private static final int ENTROPY = 0xB7791F;

    private record Series(double[] step, double[] value) {
        static Series of(List<JsonNode> lines, ToDoubleFunction<JsonNode> value) {
            List<double[]> points = lines.stream().map(line -> new double[] {line.get("step").asDouble(), value.applyAsDouble(line)})
                    .filter(p -> Double.isFinite(p[1])).toList();
            return new Series(points.stream().mapToDouble(p -> p[0]).toArray(), points.stream().mapToDouble(p -> p[1]).toArray());
        }

        static Series of(List<JsonNode> lines, String key) {
            return of(lines, line -> line.path(key).isNumber() ? line.get(key).asDouble() : Double.NaN);
        }

        int size() {
            return step.length;
        }

        double last() {
            return value[value.length - 1];
        }
    }

    private final String title;
    private final Series loss;
    private final Series validation;
    private final Series bits;
    private final Series rate;
    private final double tokens;
    private final double entropy;

    private LossDrawing(String name, List<JsonNode> lines, double entropy) {
        title = "Loss of " + name;
        loss = Series.of(lines, "loss");
        validation = Series.of(lines, "validation_loss");
        bits = Series.of(lines, "bits_per_byte");
        rate = Series.of(lines, "learning_rate");
        Series consumed = Series.of(lines, "consumed_tokens");
        tokens = consumed.size() == 0 ? 0 : consumed.last();
        this.entropy = entropy;
    }

    /** A drawing of the lines of a metrics file, or null where no step has a finite loss; an entropy of 0 is left out. */
    static Drawing of(String name, List<JsonNode> lines, double entropy) {
        LossDrawing drawing = new LossDrawing(name, lines, entropy);
        return drawing.loss.size() == 0 ? null : new Drawing(WIDTH, HEIGHT, drawing.title, drawing::paint);
    }

    private void paint(Canvas c) {
        double last = Math.max(loss.step[loss.size() - 1], validation.size() == 0 ? 0 : validation.step[validation.size() - 1]);
        Axis x = new Axis(0, Math.max(1, last), LEFT, RIGHT);
        Axis y = lossAxis();
        c.text(c.clipped(title, RIGHT - LEFT, 18), LEFT, 30, 18, INK, Anchor.START);
        c.text(words(), LEFT, 52, 13, INK, Anchor.START);
        for (double tick : y.ticks(8)) {
            c.line(LEFT, y.at(tick), RIGHT, y.at(tick), GRID, 1);
            c.text(plain(tick), LEFT - 8, y.at(tick) + 4, 12, INK, Anchor.END);
        }
        for (double tick : x.ticks(10)) {
            c.line(x.at(tick), BOTTOM, x.at(tick), BOTTOM + 5, INK, 1);
            c.text(String.format(Locale.ROOT, "%,.0f", tick), x.at(tick), BOTTOM + 20, 12, INK, Anchor.MIDDLE);
        }
        c.text(tokens > 0 ? "step (" + amount(tokens) + " tokens in all)" : "step", (LEFT + RIGHT) / 2.0, HEIGHT - 14, 13, INK, Anchor.MIDDLE);
        c.upwards("loss, nats per token", 22, (TOP + BOTTOM) / 2.0, 13, INK);
        rate(c, x);
        if (entropy > 0) {
            c.dashed(LEFT, y.at(entropy), RIGHT, y.at(entropy), ENTROPY, 1.5);
        }
        curve(c, x, y);
        points(c, x, y);
        c.line(LEFT, TOP, LEFT, BOTTOM, INK, 1);
        c.line(LEFT, BOTTOM, RIGHT, BOTTOM, INK, 1);
        legend(c);
    }

    /** From below the lowest value to above the highest; a few wild steps, more than one in a hundred away, lie on the upper edge. */
    private Axis lossAxis() {
        double[] sorted = loss.value.clone();
        Arrays.sort(sorted);
        double low = sorted[0];
        double usual = sorted[(int) ((sorted.length - 1) * 0.99)];
        double high = Math.min(sorted[sorted.length - 1], usual + Math.max(usual - low, 0.1));
        for (double v : validation.value) {
            low = Math.min(low, v);
            high = Math.max(high, v);
        }
        if (entropy > 0) {
            low = Math.min(low, entropy);
            high = Math.max(high, entropy);
        }
        double margin = Math.max(0.04 * (high - low), 1e-3);
        return new Axis(low - margin, high + margin, BOTTOM, TOP);
    }

    private void rate(Canvas c, Axis x) {
        double peak = Arrays.stream(rate.value).max().orElse(0);
        if (!(peak > 0)) {
            return;
        }
        Axis y = new Axis(0, 1.04 * peak, BOTTOM, TOP);
        for (double tick : y.ticks(6)) {
            c.line(RIGHT, y.at(tick), RIGHT + 5, y.at(tick), RATE, 1);
            c.text(tick == 0 ? "0" : scientific(tick), RIGHT + 9, y.at(tick) + 4, 12, RATE, Anchor.START);
        }
        c.line(RIGHT, TOP, RIGHT, BOTTOM, RATE, 1);
        c.upwards("learning rate", WIDTH - 12, (TOP + BOTTOM) / 2.0, 13, RATE);
        int[] keep = corners();
        c.path(Arrays.stream(keep).mapToDouble(i -> x.at(rate.step[i])).toArray(), Arrays.stream(keep).mapToDouble(i -> y.at(rate.value[i])).toArray(), RATE, 1.2);
    }

    /** The steps where the rate's line has a corner, and enough others for curves. */
    private int[] corners() {
        int every = Math.max(1, rate.size() / 400);
        return IntStream.range(0, rate.size()).filter(i -> i == 0 || i == rate.size() - 1 || i % every == 0
                || Math.abs(rate.value[i] - rate.value[i - 1]) > 0.02 * rate.value[i - 1]
                || Math.abs(rate.value[i] - rate.value[i + 1]) > 0.02 * rate.value[i]).toArray();
    }

    private void curve(Canvas c, Axis x, Axis y) {
        if (loss.size() <= RIGHT - LEFT) {
            c.path(Arrays.stream(loss.step).map(x::at).toArray(), Arrays.stream(loss.value).map(y::at).toArray(), LOSS, 1.5);
            return;
        }
        int columns = (RIGHT - LEFT) / 2;
        double[] sum = new double[columns];
        double[] low = new double[columns];
        double[] high = new double[columns];
        int[] count = new int[columns];
        Arrays.fill(low, Double.POSITIVE_INFINITY);
        Arrays.fill(high, Double.NEGATIVE_INFINITY);
        for (int i = 0; i < loss.size(); i++) {
            int column = (int) Math.min(columns - 1, (x.at(loss.step[i]) - LEFT) / 2);
            sum[column] += loss.value[i];
            low[column] = Math.min(low[column], loss.value[i]);
            high[column] = Math.max(high[column], loss.value[i]);
            count[column]++;
        }
        int[] used = IntStream.range(0, columns).filter(i -> count[i] > 0).toArray();
        int n = used.length;
        double[] middle = new double[n];
        double[] mean = new double[n];
        double[] bandX = new double[2 * n];
        double[] bandY = new double[2 * n];
        for (int i = 0; i < n; i++) {
            int column = used[i];
            middle[i] = LEFT + 2 * column + 1;
            mean[i] = y.at(sum[column] / count[column]);
            bandX[i] = middle[i];
            bandX[2 * n - 1 - i] = middle[i];
            bandY[i] = y.at(high[column]);
            bandY[2 * n - 1 - i] = y.at(low[column]);
        }
        c.area(bandX, bandY, BAND);
        c.path(middle, mean, LOSS, 1.5);
    }

    private void points(Canvas c, Axis x, Axis y) {
        if (validation.size() == 0) {
            return;
        }
        double[] px = Arrays.stream(validation.step).map(x::at).toArray();
        double[] py = Arrays.stream(validation.value).map(y::at).toArray();
        c.path(px, py, VALIDATION, 1);
        if (validation.size() <= 100) {
            for (int i = 0; i < px.length; i++) {
                c.dot(px[i], py[i], 3.5, VALIDATION);
            }
        }
    }

    private void legend(Canvas c) {
        double at = LEFT;
        at = entry(c, at, "training", LOSS);
        if (validation.size() > 0) {
            at = entry(c, at, "validation", VALIDATION);
        }
        if (entropy > 0) {
            at = entry(c, at, String.format(Locale.ROOT, "unigram entropy of the data, %.2f", entropy), ENTROPY);
        }
        if (rate.size() > 0) {
            entry(c, at, "learning rate", RATE);
        }
    }

    private static double entry(Canvas c, double x, String text, int color) {
        c.line(x, TOP - 18, x + 22, TOP - 18, color, 2.5);
        c.text(text, x + 28, TOP - 14, 12, INK, Anchor.START);
        return x + 28 + c.width(text, 12) + 24;
    }

    /** What the curve says, in one line. */
    private String words() {
        int few = Math.max(1, loss.size() / 100);
        double mean = Arrays.stream(loss.value, loss.size() - few, loss.size()).average().orElseThrow();
        StringBuilder words = new StringBuilder(String.format(Locale.ROOT, "training loss %.3f at step %,.0f%s", mean, loss.step[loss.size() - 1],
                few > 1 ? " (mean of the last " + few + " steps)" : ""));
        if (validation.size() > 0) {
            int best = 0;
            for (int i = 1; i < validation.size(); i++) {
                best = validation.value[i] < validation.value[best] ? i : best;
            }
            words.append(String.format(Locale.ROOT, "; validation %.3f", validation.last()));
            if (bits.size() == validation.size()) {
                words.append(String.format(Locale.ROOT, " (%.3f bits per byte)", bits.last()));
            }
            if (best < validation.size() - 1) {
                words.append(String.format(Locale.ROOT, ", lowest %.3f at step %,.0f", validation.value[best], validation.step[best]));
            }
        }
        return words.toString();
    }

    private static String plain(double value) {
        return String.format(Locale.ROOT, "%.4f", value).replaceFirst("\\.?0+$", "");
    }

    private static String scientific(double value) {
        return String.format(Locale.ROOT, "%.1e", value).replaceFirst("\\.0e", "e").replaceFirst("e([-+])0*(\\d)", "e$1$2").replace("e+", "e");
    }

    private static String amount(double tokens) {
        return tokens < 1e6 ? String.format(Locale.ROOT, "%,.0f", tokens) : tokens < 1e9 ? String.format(Locale.ROOT, "%.1f million", tokens / 1e6)
                : String.format(Locale.ROOT, "%,.1f billion", tokens / 1e9);
    }
}
