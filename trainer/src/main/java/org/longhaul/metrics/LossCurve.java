package org.longhaul.metrics;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.longhaul.error.Reason;
import org.longhaul.picture.Drawing;
import org.longhaul.picture.Picture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Draws {@code loss.svg} beside {@code metrics.jsonl}, and {@code loss.png} where this Java finds fonts. */
public final class LossCurve {
    private static final Logger LOG = LoggerFactory.getLogger(LossCurve.class);

    private LossCurve() {}

    /**
     * Draws training and validation loss and the learning rate over the steps, with the unigram entropy (nats a token) as a line where it is
     * known. Empty where there is nothing to draw, or a full disk kept it from being written: a picture is no reason to fail a run.
     */
    public static Optional<Path> draw(Path folder, double unigramEntropy) {
        Path metrics = folder.resolve("metrics.jsonl");
        Path svg = folder.resolve("loss.svg");
        if (!Files.exists(metrics)) {
            return Optional.empty();
        }
        try {
            String name = folder.toAbsolutePath().normalize().getFileName().toString();
            Drawing drawing = LossDrawing.of(name, MetricsFile.read(metrics), unigramEntropy);
            if (drawing == null) {
                return Optional.empty();
            }
            Files.writeString(svg, Picture.svg(drawing));
            Path png = folder.resolve("loss.png");
            Optional<byte[]> pixels = Picture.png(drawing);
            if (pixels.isPresent()) {
                Files.write(png, pixels.get());
            } else {
                // An earlier one would show an earlier state.
                Files.deleteIfExists(png);
            }
            return Optional.of(svg);
        } catch (IOException e) {
            LOG.warn("no loss curve drawn: {}", Reason.of(e));
            return Optional.empty();
        }
    }
}
