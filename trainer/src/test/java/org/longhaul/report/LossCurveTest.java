package org.longhaul.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.report.LossCurve.Point;

class LossCurveTest {
    @TempDir Path folder;

    @Test
    void theThreeLinesArePainted() throws Exception {
        List<Point> training = new ArrayList<>();
        for (int step = 1; step <= 200; step++) {
            training.add(new Point(step, 3 + 6 * Math.exp(-step / 40.0)));
        }
        Path png = folder.resolve("loss.png");
        new LossCurve("loss", training, List.of(new Point(100, 4), new Point(200, 3.2)), 6.5).write(png);
        BufferedImage image = ImageIO.read(png.toFile());
        assertEquals(1000, image.getWidth());
        assertTrue(pixels(image, 0x2F855A) > 100, "training");
        assertTrue(pixels(image, 0x6B46C1) > 100, "validation");
        assertTrue(pixels(image, 0xB7791F) > 100, "unigram entropy");
    }

    @Test
    void oneStepIsEnoughAndNoneIsNot() throws Exception {
        new LossCurve("one", List.of(new Point(1, 9)), List.of(), 0).write(folder.resolve("one.png"));
        assertThrows(IllegalArgumentException.class, () -> new LossCurve("none", List.of(), List.of(), 0));
    }

    private static int pixels(BufferedImage image, int color) {
        int count = 0;
        for (int y = 0; y < image.getHeight(); y++) {
            for (int x = 0; x < image.getWidth(); x++) {
                count += (image.getRGB(x, y) & 0xFFFFFF) == color ? 1 : 0;
            }
        }
        return count;
    }
}
