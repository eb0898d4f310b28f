package org.longhaul.picture;

/** What a {@link Drawing} is painted on: lengths in pixels from the upper left corner, colours as 0xRRGGBB. */
public interface Canvas {
    /** Where a text's position lies in it. */
    enum Anchor { START, MIDDLE, END }

    /** A straight line. */
    void line(double x0, double y0, double x1, double y1, int color, double width);

    /** A dashed straight line. */
    void dashed(double x0, double y0, double x1, double y1, int color, double width);

    /** Lines from point to point; both arrays have the same length. */
    void path(double[] x, double[] y, int color, double width);

    /** A filled polygon; both arrays have the same length. */
    void area(double[] x, double[] y, int color);

    /** A filled rectangle. */
    void box(double x, double y, double width, double height, int color);

    /** A filled circle. */
    void dot(double x, double y, double radius, int color);

    /** One line of text on a baseline. */
    void text(String text, double x, double y, int size, int color, Anchor anchor);

    /** One line of text that runs upwards, its middle at the point. */
    void upwards(String text, double x, double y, int size, int color);

    /** Length of a text: measured where there are fonts, else an estimate. */
    double width(String text, int size);

    /** The text, or as much of its beginning as fits with an ellipsis. */
    default String clipped(String text, double width, int size) {
        if (width(text, size) <= width) {
            return text;
        }
        int end = text.length();
        while (end > 0 && width(text.substring(0, end) + "\u2026", size) > width) {
            end = text.offsetByCodePoints(end, -1);
        }
        return text.substring(0, end) + "\u2026";
    }
}
