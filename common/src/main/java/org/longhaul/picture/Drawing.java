package org.longhaul.picture;

/** Something that can be made a picture, as SVG and as PNG. */
public interface Drawing {
    /** Pixels across. */
    int width();

    /** Pixels down. */
    int height();

    /** What the picture shows, for those who cannot see it. */
    String title();

    /** Paints it on white. */
    void paint(Canvas canvas);
}
