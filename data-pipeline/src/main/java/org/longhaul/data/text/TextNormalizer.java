package org.longhaul.data.text;

import java.text.Normalizer;

/**
 * Repairs and normalises text. In this order: mojibake, HTML entities, characters (line ends, exotic spaces, invisible and
 * control characters), Unicode form, line-end spaces and blank lines. Thread-safe.
 */
public final class TextNormalizer {
    private static final char DROP = '\uFFFF';

    private final TextSettings settings;

    /** A normaliser with the given settings. */
    public TextNormalizer(TextSettings settings) {
        this.settings = settings;
    }

    /**
     * A normalised text.
     *
     * @param text the result
     * @param mojibakeRepairs sequences put right
     */
    public record Normalized(String text, int mojibakeRepairs) {}

    /** Normalises one text. */
    public Normalized normalize(String text) {
        int mojibake = 0;
        String current = text;
        if (settings.repairMojibake()) {
            Mojibake.Repaired repaired = Mojibake.repair(current);
            current = repaired.text();
            mojibake = repaired.repairs();
        }
        if (settings.decodeEntities()) {
            current = Entities.decode(current);
        }
        return new Normalized(layout(compose(clean(current))), mojibake);
    }

    /** What becomes of one UTF-16 unit; {@link #DROP} removes it. */
    static char map(char c) {
        if (c < 0x7F) {
            if (c >= ' ' || c == '\n' || c == '\t') {
                return c;
            }
            return c == '\r' || c == 0x0B || c == 0x0C ? '\n' : DROP;
        }
        if (c < 0xA0) {
            return c == 0x85 ? '\n' : DROP;
        }
        if (c == 0xA0) {
            return ' ';
        }
        if (c == 0xAD) {
            return DROP;
        }
        if (c < 0x1680) {
            return c == 0x61C ? DROP : c;
        }
        if (c < 0xFDD0) {
            return mapGeneralPunctuation(c);
        }
        // Noncharacters, byte order marks, interlinear annotation.
        boolean drop = c <= 0xFDEF || c == 0xFEFF || c >= 0xFFF9 && c <= 0xFFFB || c >= 0xFFFE;
        return drop && (c <= 0xFDEF ? c >= 0xFDD0 : true) ? DROP : c;
    }

    private static char mapGeneralPunctuation(char c) {
        if (c == 0x1680 || c >= 0x2000 && c <= 0x200A || c == 0x202F || c == 0x205F) {
            return ' ';
        }
        if (c == 0x2028 || c == 0x2029) {
            return '\n';
        }
        // Zero-width joiner and non-joiner (200C, 200D) stay: Persian, Indic scripts and emoji need them.
        boolean invisible = c == 0x180E
                || c == 0x200B
                || c == 0x200E
                || c == 0x200F
                || c >= 0x202A && c <= 0x202E
                || c >= 0x2060 && c <= 0x206F;
        return invisible ? DROP : c;
    }

    private static String clean(String text) {
        int n = text.length();
        int i = 0;
        while (i < n && map(text.charAt(i)) == text.charAt(i)) {
            i++;
        }
        if (i == n) {
            return text;
        }
        StringBuilder out = new StringBuilder(n).append(text, 0, i);
        for (; i < n; i++) {
            char c = text.charAt(i);
            if (c == '\r' && i + 1 < n && text.charAt(i + 1) == '\n') {
                continue;
            }
            char mapped = map(c);
            if (mapped != DROP) {
                out.append(mapped);
            }
        }
        return out.toString();
    }

    private String compose(String text) {
        return switch (settings.unicodeForm()) {
            case NONE -> text;
            case NFKC -> Normalizer.normalize(text, Normalizer.Form.NFKC);
            case NFC -> composeAroundIdeographs(text);
        };
    }

    /**
     * NFC maps every CJK compatibility ideograph to its unified one, which changes names and the very characters that classical
     * editions distinguish; those characters neither compose nor reorder, so the text between them is normalised alone.
     */
    private static String composeAroundIdeographs(String text) {
        int n = text.length();
        int i = 0;
        // Below U+0300 nothing decomposes or composes with a neighbour except with marks at or above it.
        while (i < n && text.charAt(i) < 0x300) {
            i++;
        }
        if (i == n || Normalizer.isNormalized(text, Normalizer.Form.NFC)) {
            return text;
        }
        StringBuilder out = new StringBuilder(n);
        int start = 0;
        for (i = 0; i < n; ) {
            int codePoint = text.codePointAt(i);
            int size = Character.charCount(codePoint);
            if (isCompatibilityIdeograph(codePoint)) {
                out.append(Normalizer.normalize(text.substring(start, i), Normalizer.Form.NFC));
                out.appendCodePoint(codePoint);
                start = i + size;
            }
            i += size;
        }
        return out.append(Normalizer.normalize(text.substring(start), Normalizer.Form.NFC)).toString();
    }

    private static boolean isCompatibilityIdeograph(int codePoint) {
        return codePoint >= 0xF900 && codePoint <= 0xFAFF || codePoint >= 0x2F800 && codePoint <= 0x2FA1F;
    }

    /** Line-end spaces, runs of blank lines, blank head and tail. */
    private String layout(String text) {
        int n = text.length();
        StringBuilder out = new StringBuilder(n);
        int blank = 0;
        boolean any = false;
        int start = 0;
        while (start <= n) {
            int end = text.indexOf('\n', start);
            if (end < 0) {
                end = n;
            }
            int stop = end;
            while (stop > start && isBlank(text.charAt(stop - 1))) {
                stop--;
            }
            if (stop == start) {
                blank++;
            } else {
                if (any) {
                    for (int k = Math.min(blank, settings.maxBlankLines()); k >= 0; k--) {
                        out.append('\n');
                    }
                }
                out.append(text, start, settings.trimLineEnds() ? stop : end);
                any = true;
                blank = 0;
            }
            start = end + 1;
        }
        return out.length() == n ? text : out.toString();
    }

    private static boolean isBlank(char c) {
        return c == ' ' || c == '\t' || c == '\u3000';
    }
}
