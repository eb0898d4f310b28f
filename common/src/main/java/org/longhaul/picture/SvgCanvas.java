package org.longhaul.picture;

import java.util.Locale;

/** Writes SVG: text that every browser shows with its own fonts, so that nothing of a machine's is needed to make it. */
final class SvgCanvas implements Canvas {
    private final StringBuilder out = new StringBuilder();

    SvgCanvas(Drawing drawing) {
        out.append(String.format(Locale.ROOT, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
                + "font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\" role=\"img\">%n<title>%s</title>%n", drawing.width(), drawing.height(), drawing.width(),
                drawing.height(), escape(drawing.title())));
        box(0, 0, drawing.width(), drawing.height(), 0xFFFFFF);
    }

    String finish() {
        return out.append("</svg>\n").toString();
    }

    @Override
    public void line(double x0, double y0, double x1, double y1, int color, double width) {
        stroke(new double[] {x0, x1}, new double[] {y0, y1}, color, width, "");
    }

    @Override
    public void dashed(double x0, double y0, double x1, double y1, int color, double width) {
        stroke(new double[] {x0, x1}, new double[] {y0, y1}, color, width, " stroke-dasharray=\"6 4\"");
    }

    @Override
    public void path(double[] x, double[] y, int color, double width) {
        stroke(x, y, color, width, "");
    }

    private void stroke(double[] x, double[] y, int color, double width, String more) {
        out.append("<path d=\"").append(points(x, y)).append("\" fill=\"none\" stroke=\"").append(hex(color)).append("\" stroke-width=\"").append(number(width))
                .append("\" stroke-linejoin=\"round\"").append(more).append("/>\n");
    }

    @Override
    public void area(double[] x, double[] y, int color) {
        out.append("<path d=\"").append(points(x, y)).append("Z\" fill=\"").append(hex(color)).append("\"/>\n");
    }

    @Override
    public void box(double x, double y, double width, double height, int color) {
        out.append("<rect x=\"").append(number(x)).append("\" y=\"").append(number(y)).append("\" width=\"").append(number(width)).append("\" height=\"")
                .append(number(height)).append("\" fill=\"").append(hex(color)).append("\"/>\n");
    }

    @Override
    public void dot(double x, double y, double radius, int color) {
        out.append("<circle cx=\"").append(number(x)).append("\" cy=\"").append(number(y)).append("\" r=\"").append(number(radius)).append("\" fill=\"")
                .append(hex(color)).append("\"/>\n");
    }

    @Override
    public void text(String text, double x, double y, int size, int color, Anchor anchor) {
        write(text, x, y, size, color, anchor, "");
    }

    @Override
    public void upwards(String text, double x, double y, int size, int color) {
        write(text, x, y, size, color, Anchor.MIDDLE, " transform=\"rotate(-90 " + number(x) + " " + number(y) + ")\"");
    }

    private void write(String text, double x, double y, int size, int color, Anchor anchor, String more) {
        out.append("<text x=\"").append(number(x)).append("\" y=\"").append(number(y)).append("\" font-size=\"").append(size).append("\" fill=\"").append(hex(color))
                .append('"').append(anchor == Anchor.START ? "" : " text-anchor=\"" + anchor.name().toLowerCase(Locale.ROOT) + "\"").append(more).append('>')
                .append(escape(text)).append("</text>\n");
    }

    /** An estimate: an em for a wide script's character, half of one or a little more for the others. */
    @Override
    public double width(String text, int size) {
        return size * text.codePoints().mapToDouble(c -> c >= 0x1100 && Character.isIdeographic(c) || c >= 0xAC00 && c <= 0xD7A3 || c >= 0x3040 && c <= 0x30FF || c > 0xFFFF ? 1
                : Character.isUpperCase(c) || c == 'm' || c == 'w' ? 0.72 : 0.56).sum();
    }

    private static String points(double[] x, double[] y) {
        StringBuilder path = new StringBuilder();
        for (int i = 0; i < x.length; i++) {
            path.append(i == 0 ? "M" : i == 1 ? "L" : " ").append(number(x[i])).append(' ').append(number(y[i]));
        }
        return path.toString();
    }

    private static String number(double value) {
        String text = String.format(Locale.ROOT, "%.1f", value);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
    }

    private static String hex(int color) {
        return String.format(Locale.ROOT, "#%06x", color);
    }

    /** Text for XML, without the control characters and lone surrogates that no XML may hold. */
    static String escape(String text) {
        StringBuilder escaped = new StringBuilder();
        text.codePoints().forEach(c -> {
            switch (c) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                default -> escaped.appendCodePoint(
                        c < 0x20 || c >= 0xD800 && c <= 0xDFFF || c == 0xFFFE || c == 0xFFFF ? 0xFFFD : c);
            }
        });
        return escaped.toString();
    }
}
