package org.longhaul.picture;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.StringReader;
import java.util.Random;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;

class PictureTest {
    private static Drawing shown(String title) {
        return new Drawing(200, 100, title, canvas -> {
            canvas.box(10, 10, 50, 50, 0x112233);
            canvas.area(new double[] {70, 90, 80}, new double[] {10, 10, 30}, 0x445566);
            canvas.path(new double[] {0, 100, 200}, new double[] {90, 80, 90}, 0xAA0000, 3);
            canvas.dashed(0, 70, 200, 70, 0, 1);
            canvas.dot(150, 50, 6, 0x00BB00);
            canvas.text(title, 100, 95, 12, 0, Canvas.Anchor.MIDDLE);
            canvas.upwards("up", 190, 50, 12, 0);
        });
    }

    @Test
    void svgIsXmlWhateverTheTextHolds() throws Exception {
        String title = "a<b>&\"\u0000\u001B\uFFFE\uD800 漢字 😀 𝒜";
        Document svg = parse(Picture.svg(shown(title)));
        assertEquals("a<b>&\"\uFFFD\uFFFD\uFFFD\uFFFD 漢字 😀 𝒜", svg.getElementsByTagName("title").item(0).getTextContent());
        assertEquals(2, svg.getElementsByTagName("text").getLength());
        assertEquals("0 0 200 100", svg.getDocumentElement().getAttribute("viewBox"));
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 200; i++) {
            StringBuilder text = new StringBuilder();
            random.ints(20, 0, 0x10FFFF).forEach(c -> text.appendCodePoint(random.nextBoolean() ? c : c & 0x7F));
            assertTrue(parse(Picture.svg(shown(text.toString()))).hasChildNodes(), () -> "seed " + seed);
        }
    }

    @Test
    void pngShowsTheSameShapes() throws Exception {
        byte[] png = Picture.png(shown("text")).orElse(null);
        Assumptions.assumeTrue(png != null, "this Java draws no PNG: fontconfig or a font is missing");
        var image = ImageIO.read(new ByteArrayInputStream(png));
        assertEquals(200, image.getWidth());
        assertEquals(0x112233, image.getRGB(30, 30) & 0xFFFFFF);
        assertEquals(0x445566, image.getRGB(80, 15) & 0xFFFFFF);
        assertEquals(0xAA0000, image.getRGB(100, 80) & 0xFFFFFF);
        assertEquals(0x00BB00, image.getRGB(150, 50) & 0xFFFFFF);
        assertEquals(0xFFFFFF, image.getRGB(1, 1) & 0xFFFFFF);
    }

    @Test
    void clippedTextFits() {
        SvgCanvas canvas = new SvgCanvas(shown("x"));
        assertEquals("short", canvas.clipped("short", 100, 12));
        String cut = canvas.clipped("漢字".repeat(40) + "😀".repeat(5), 100, 12);
        assertTrue(cut.endsWith("\u2026") && canvas.width(cut, 12) <= 100 && cut.length() > 4, cut);
    }

    @Test
    void ticksAreRoundAndFew() {
        assertArrayEquals(new double[] {0, 200, 400, 600, 800}, new Axis(0, 985, 0, 1).ticks(8), 1e-9);
        assertArrayEquals(new double[] {1.5, 2, 2.5, 3}, new Axis(1.3, 3.2, 0, 1).ticks(6), 1e-9);
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 1000; i++) {
            double from = (random.nextDouble() - 0.5) * Math.pow(10, random.nextInt(12) - 6);
            Axis axis = new Axis(from, from + Math.abs(from) * (0.01 + random.nextDouble() * 50) + 1e-7, 0, 1);
            double[] ticks = axis.ticks(8);
            assertTrue(ticks.length >= 2 && ticks.length <= 9, () -> axis + ", seed " + seed);
            assertTrue(ticks[0] >= axis.from() - 1e-6 * Math.abs(axis.to()) && ticks[ticks.length - 1] <= axis.to() * (1 + 1e-6) + 1e-6, () -> axis + ", seed " + seed);
        }
    }

    private static Document parse(String svg) throws Exception {
        return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(svg)));
    }
}
