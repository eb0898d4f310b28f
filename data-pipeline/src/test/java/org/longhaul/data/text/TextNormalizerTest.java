package org.longhaul.data.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.longhaul.data.text.TextSettings.UnicodeForm;

class TextNormalizerTest {
    private static final Charset WINDOWS = Charset.forName("windows-1252");
    private final TextNormalizer normalizer = new TextNormalizer(TextSettings.defaults());

    private String normal(String text) {
        return normalizer.normalize(text).text();
    }

    /** UTF-8 read as Windows-1252, undefined bytes as C1 controls, as browsers do it. */
    private static String damage(String text) {
        StringBuilder out = new StringBuilder();
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            String c = new String(new byte[] {b}, WINDOWS);
            out.append(c.equals("\uFFFD") ? (char) (b & 0xFF) : c.charAt(0));
        }
        return out.toString();
    }

    @Test
    void cleanTextIsTheSameObject() {
        String text = "Ein sauberer Text mit Ümlauten.\n\nUnd 中文、日本語。";
        assertSame(text, normal(text));
    }

    @Test
    void damagedTextIsRestored() {
        for (String text : List.of(
                "Crème brûlée à la carte", "It’s “quoted” – really…", "größer über Straße", "中文字符和标点。", "smile 😀 here", "señor año")) {
            assertEquals(text, normal(damage(text)), text);
            assertEquals(text, normal(damage(damage(text))), "twice damaged: " + text);
        }
        assertEquals("fine\nÀ côté\nfine", normal("fine\n" + damage("À côté") + "\nfine"), "only the damaged line changes");
        TextNormalizer.Normalized counted = normalizer.normalize(damage("é è"));
        assertEquals(2, counted.mojibakeRepairs());
    }

    @Test
    void realTextThatLooksLikeDamageIsLeftAlone() {
        for (String text : List.of(
                "Er ging ins „CAFÉ“ am Platz", "«DÉJÀ»", "Â “bon”", "NÃO – ele disse", "l’Éclair… ÎLE”", "ÅRHUS – Ærø", "Ó™ brand",
                "PLACÉ… et OÙ’", "naïve façade Éé", "HÔTEL»")) {
            assertEquals(text, normal(text), text);
        }
        String mixed = "Ã© beside é";
        assertEquals(mixed, normal(mixed), "a line with sound characters is no damaged line");
    }

    @Test
    void randomWellFormedTextSurvivesDamageAndRepair() {
        String alphabet = "abc éàüñçøß ΩЖя中文かな한 “”’—…😀";
        int[] points = alphabet.codePoints().toArray();
        for (int seed = 0; seed < 2000; seed++) {
            Random random = new Random(seed);
            StringBuilder text = new StringBuilder("x é中");
            for (int i = random.nextInt(30); i > 0; i--) {
                text.appendCodePoint(points[random.nextInt(points.length)]);
            }
            text.append('.');
            assertEquals(text.toString(), Mojibake.repair(damage(text.toString())).text(), "seed " + seed);
        }
    }

    @Test
    void charactersAreCleaned() {
        assertEquals("a\nb\nc\nd\ne", normal("a\r\nb\rc\u2028d\u0085e"));
        assertEquals("a b c d", normal("a\u00A0b\u2003c\u202Fd"));
        assertEquals("zerowidth", normal("zero\u200Bwi\u00ADd\uFEFFth\u0000\u0007"));
        assertEquals("safe text", normal("\u202Esafe\u202C text\u2066\u2069"));
        String joined = "می\u200Cخواهم 👩\u200D💻";
        assertEquals(joined, normal(joined), "joiners carry meaning");
        assertEquals("\u3000indented", normal("\u3000indented"));
    }

    @Test
    void layoutIsTrimmed() {
        assertEquals("a\n\n\nb", normal("\n\n a  \n\n\n\n\n\nb\t\n\n").replace(" a", "a"));
        assertEquals("    indent\n\tstays", normal("    indent  \n\tstays"));
        TextSettings keep = new TextSettings(UnicodeForm.NFC, true, true, false, 2);
        assertEquals("a  \nb", new TextNormalizer(keep).normalize("a  \nb").text());
    }

    @Test
    void compositionKeepsCompatibilityIdeographs() {
        assertEquals("é", normal("e\u0301"));
        assertEquals("가", normal("\u1100\u1161"));
        assertEquals("\uF900 é \uFA10", normal("\uF900 e\u0301 \uFA10"), "NFC alone would change both ideographs");
        assertEquals("ﬁ ２", normal("ﬁ ２"));
        TextSettings nfkc = new TextSettings(UnicodeForm.NFKC, true, true, true, 2);
        assertEquals("fi 2", new TextNormalizer(nfkc).normalize("ﬁ ２").text());
        TextSettings none = new TextSettings(UnicodeForm.NONE, true, true, true, 2);
        assertEquals("e\u0301", new TextNormalizer(none).normalize("e\u0301").text());
    }

    @Test
    void entitiesAreDecodedOutsideMarkup() {
        assertEquals("Tom & Jerry – 5 < 6 é 中", normal("Tom &amp; Jerry &ndash; 5 &lt; 6 &eacute; &#20013;"));
        String markup = "<p>use &lt;b&gt; here</p>";
        assertEquals(markup, normal(markup));
        assertEquals("R&D; a&b &unknown; &#0; &#xD800;", normal("R&D; a&b &unknown; &#0; &#xD800;"));
        assertEquals("&lt;", normal("&amp;lt;"), "decoded once");
    }

    @Test
    void normalisingTwiceEqualsOnceOnRandomText() {
        int[] points = ("ab \t\r\n\u00A0\u200B\u0301é中\uF900\u1100\u1161\u2028\uFEFF😀Ãä“").codePoints().toArray();
        TextNormalizer plain = new TextNormalizer(new TextSettings(UnicodeForm.NFC, false, false, true, 2));
        for (int seed = 0; seed < 5000; seed++) {
            Random random = new Random(seed);
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(40); i > 0; i--) {
                text.appendCodePoint(points[random.nextInt(points.length)]);
            }
            String once = plain.normalize(text.toString()).text();
            assertEquals(once, plain.normalize(once).text(), "seed " + seed);
            assertTrue(once.chars().noneMatch(c -> TextNormalizer.map((char) c) != c), "seed " + seed);
        }
    }
}
