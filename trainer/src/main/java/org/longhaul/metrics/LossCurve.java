package org.longhaul.metrics;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Draws {@code loss.png} beside {@code metrics.jsonl}. */
public final class LossCurve {
    private static final Logger LOG = LoggerFactory.getLogger(LossCurve.class);

    private LossCurve() {}

    /** Draws training and validation loss over the steps, with the unigram entropy (nats a token) as a line where it is known. */
    public static void draw(Path folder, double unigramEntropy) {
        Path file = folder.resolve("metrics.jsonl");
        if (!Files.exists(file)) {
            return;
        }
        try {
            XYChart chart = chart(MetricsFile.read(file), unigramEntropy);
            if (chart != null) {
                BitmapEncoder.saveBitmap(chart, folder.resolve("loss.png").toString(), BitmapEncoder.BitmapFormat.PNG);
            }
        } catch (IOException | RuntimeException | LinkageError e) {
            // A picture is no reason to fail a run; machines without fonts cannot draw.
            LOG.warn("{}: no loss curve drawn: {}", folder, e.toString());
        }
    }

    private static XYChart chart(List<JsonNode> lines, double unigramEntropy) {
        List<Double> steps = new ArrayList<>();
        List<Double> losses = new ArrayList<>();
        List<Double> validationSteps = new ArrayList<>();
        List<Double> validationLosses = new ArrayList<>();
        for (JsonNode line : lines) {
            double step = line.get("step").asDouble();
            if (line.path("loss").isNumber()) {
                steps.add(step);
                losses.add(line.get("loss").asDouble());
            }
            if (line.path("validation_loss").isNumber()) {
                validationSteps.add(step);
                validationLosses.add(line.get("validation_loss").asDouble());
            }
        }
        if (steps.isEmpty()) {
            return null;
        }
        XYChart chart = new XYChartBuilder().width(900).height(500).title("Loss").xAxisTitle("step").yAxisTitle("nats per token").build();
        chart.getStyler().setLegendPosition(Styler.LegendPosition.InsideNE);
        chart.getStyler().setChartBackgroundColor(Color.WHITE);
        // Ticks stand at whole multiples, not a hundred steps behind the first one each.
        double range = Math.max(1, steps.get(steps.size() - 1) - steps.get(0));
        double grid = Math.pow(10, Math.floor(Math.log10(range)));
        chart.getStyler().setXAxisMin(Math.floor(steps.get(0) / grid) * grid);
        chart.getStyler().setXAxisTickMarkSpacingHint(110);
        chart.addSeries("training", steps, losses).setMarker(SeriesMarkers.NONE);
        if (!validationSteps.isEmpty()) {
            XYSeries v = chart.addSeries("validation", validationSteps, validationLosses);
            v.setMarker(SeriesMarkers.CIRCLE);
        }
        if (unigramEntropy > 0) {
            double last = Math.max(steps.get(steps.size() - 1), steps.get(0) + 1);
            chart.addSeries("unigram entropy of the data", List.of(steps.get(0), last), List.of(unigramEntropy, unigramEntropy))
                    .setMarker(SeriesMarkers.NONE);
        }
        return chart;
    }
}
