package org.longhaul.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Draws loss over steps as a PNG: training, validation, and the unigram entropy that a model has to get below.
 *
 * @param title above the picture
 * @param training loss by step, in nats per token
 * @param validation loss by step, in nats per token; may be empty
 * @param unigramEntropy of the validation tokens, in nats per token
 */
record LossCurve(String title, List<Point> training, List<Point> validation, double unigramEntropy) {
    private static final int WIDTH = 1000;
    private static final int HEIGHT = 560;

    /** One measured loss. */
    record Point(double step, double loss) {}

    LossCurve {
        if (training.isEmpty()) {
            throw new IllegalArgumentException("a loss curve needs at least one step");
        }
    }

    /** Writes the picture; needs no display, but fonts. */
    void write(Path png) throws IOException {
        XYChart chart = new XYChartBuilder().width(WIDTH).height(HEIGHT).title(title).xAxisTitle("step").yAxisTitle("loss, nats per token").build();
        chart.getStyler().setLegendPosition(LegendPosition.InsideNE).setChartBackgroundColor(Color.WHITE).setPlotBackgroundColor(Color.WHITE);
        chart.getStyler().setPlotGridLinesColor(new Color(0xE2E8F0));
        add(chart, "training", training, new Color(0x2F855A), 1.2f);
        if (!validation.isEmpty()) {
            add(chart, "validation", validation, new Color(0x6B46C1), 2.4f);
        }
        if (unigramEntropy > 0) {
            double first = training.get(0).step();
            double last = training.get(training.size() - 1).step();
            XYSeries entropy = chart.addSeries("unigram entropy", new double[] {first, Math.max(last, first + 1)}, new double[] {unigramEntropy, unigramEntropy});
            entropy.setMarker(SeriesMarkers.NONE).setLineColor(new Color(0xB7791F)).setLineStyle(new BasicStroke(1.5f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_BEVEL, 1f, new float[] {6f, 4f}, 0f));
        }
        BitmapEncoder.saveBitmap(chart, png.toString(), BitmapFormat.PNG);
    }

    private static void add(XYChart chart, String name, List<Point> points, Color color, float width) {
        double[] steps = points.stream().mapToDouble(Point::step).toArray();
        double[] losses = points.stream().mapToDouble(Point::loss).toArray();
        XYSeries series = chart.addSeries(name, steps, losses);
        series.setMarker(points.size() == 1 ? SeriesMarkers.CIRCLE : SeriesMarkers.NONE).setLineColor(color).setLineStyle(new BasicStroke(width));
    }
}
