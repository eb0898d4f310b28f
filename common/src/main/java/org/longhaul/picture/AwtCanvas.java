package org.longhaul.picture;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Line2D;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;

/** Paints pixels with the fonts of this machine; only where Java has its graphics and finds fonts. */
final class AwtCanvas implements Canvas {
    private final Graphics2D g;

    private AwtCanvas(Graphics2D g) {
        this.g = g;
        g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        g.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        g.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
    }

    static byte[] png(Drawing drawing) throws IOException {
        BufferedImage image = new BufferedImage(drawing.width(), drawing.height(), BufferedImage.TYPE_INT_RGB);
        Graphics2D g = image.createGraphics();
        try {
            AwtCanvas canvas = new AwtCanvas(g);
            canvas.box(0, 0, drawing.width(), drawing.height(), 0xFFFFFF);
            drawing.paint(canvas);
        } finally {
            g.dispose();
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ImageIO.setUseCache(false);
        if (!ImageIO.write(image, "png", out)) {
            throw new IOException("this Java writes no PNG");
        }
        return out.toByteArray();
    }

    @Override
    public void line(double x0, double y0, double x1, double y1, int color, double width) {
        pen(color, new BasicStroke((float) width));
        g.draw(new Line2D.Double(x0, y0, x1, y1));
    }

    @Override
    public void dashed(double x0, double y0, double x1, double y1, int color, double width) {
        pen(color, new BasicStroke((float) width, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, new float[] {6, 4}, 0));
        g.draw(new Line2D.Double(x0, y0, x1, y1));
    }

    @Override
    public void path(double[] x, double[] y, int color, double width) {
        pen(color, new BasicStroke((float) width, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
        g.draw(shape(x, y));
    }

    @Override
    public void area(double[] x, double[] y, int color) {
        g.setColor(new Color(color));
        g.fill(shape(x, y));
    }

    @Override
    public void box(double x, double y, double width, double height, int color) {
        g.setColor(new Color(color));
        g.fill(new Rectangle2D.Double(x, y, width, height));
    }

    @Override
    public void dot(double x, double y, double radius, int color) {
        g.setColor(new Color(color));
        g.fill(new Ellipse2D.Double(x - radius, y - radius, 2 * radius, 2 * radius));
    }

    @Override
    public void text(String text, double x, double y, int size, int color, Anchor anchor) {
        g.setFont(font(size));
        g.setColor(new Color(color));
        double back = anchor == Anchor.START ? 0 : width(text, size) / (anchor == Anchor.MIDDLE ? 2 : 1);
        g.drawString(shown(text), (float) (x - back), (float) y);
    }

    @Override
    public void upwards(String text, double x, double y, int size, int color) {
        g.rotate(-Math.PI / 2, x, y);
        text(text, x, y, size, color, Anchor.MIDDLE);
        g.rotate(Math.PI / 2, x, y);
    }

    @Override
    public double width(String text, int size) {
        return g.getFontMetrics(font(size)).stringWidth(shown(text));
    }

    /** Code points where this machine has no font for the text. */
    private static String shown(String text) {
        return font(14).canDisplayUpTo(text) < 0 ? text
                : text.codePoints().limit(40).mapToObj(c -> String.format("U+%04X", c)).collect(Collectors.joining(" "));
    }

    private void pen(int color, BasicStroke stroke) {
        g.setColor(new Color(color));
        g.setStroke(stroke);
    }

    private static Path2D shape(double[] x, double[] y) {
        Path2D path = new Path2D.Double(Path2D.WIND_NON_ZERO, x.length + 1);
        for (int i = 0; i < x.length; i++) {
            if (i == 0) {
                path.moveTo(x[0], y[0]);
            } else {
                path.lineTo(x[i], y[i]);
            }
        }
        return path;
    }

    private static Font font(int size) {
        return new Font(Font.SANS_SERIF, Font.PLAIN, size);
    }
}
