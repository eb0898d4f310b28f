package org.longhaul.picture;

import java.util.function.Consumer;

/**
 * Something that can be made a picture, as SVG and as PNG.
 *
 * @param width pixels across
 * @param height pixels down
 * @param title what the picture shows, for those who cannot see it
 * @param painter paints it on white
 */
public record Drawing(int width, int height, String title, Consumer<Canvas> painter) {
    void paint(Canvas canvas) {
        painter.accept(canvas);
    }
}
