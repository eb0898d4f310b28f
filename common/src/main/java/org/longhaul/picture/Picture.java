package org.longhaul.picture;

import java.io.IOException;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes pictures of drawings. */
public final class Picture {
    private static final Logger LOG = LoggerFactory.getLogger(Picture.class);

    private Picture() {}

    /** The drawing as an SVG file's text; needs no fonts and no graphics of this machine's. */
    public static String svg(Drawing drawing) {
        SvgCanvas canvas = new SvgCanvas(drawing);
        drawing.paint(canvas);
        return canvas.finish();
    }

    /** The drawing as a PNG file's bytes; empty where this Java has no graphics or finds no fonts, as on many servers and in most containers. */
    public static Optional<byte[]> png(Drawing drawing) {
        try {
            return Optional.of(AwtCanvas.png(drawing));
        } catch (IOException | LinkageError | InternalError | NullPointerException e) {
            // What a Java throws whose libraries or fonts are missing depends on its version.
            LOG.debug("no PNG: {}", e.toString());
            return Optional.empty();
        }
    }
}
