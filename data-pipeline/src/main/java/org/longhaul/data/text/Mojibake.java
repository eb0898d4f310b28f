package org.longhaul.data.text;

/**
 * Undoes UTF-8 that was decoded as Windows-1252 ("Ã©" for "é", "â€™" for "’"). A line is repaired only if every non-ASCII
 * character that Windows-1252 can write belongs to a well-formed UTF-8 sequence and at least one sequence is one that real text
 * does not contain; a single "É”" or a line that mixes both kinds is left alone. Two rounds undo double damage.
 */
final class Mojibake {
    private Mojibake() {}

    /** A text and how many sequences were put right in it. */
    record Repaired(String text, int repairs) {}

    /** Unicode of the Windows-1252 bytes 0x80–0x9F; undefined bytes stay C1 controls, as browsers decode them. */
    private static final String HIGH = "\u20AC\u0081\u201A\u0192\u201E\u2026\u2020\u2021\u02C6\u2030\u0160\u2039\u0152\u008D\u017D\u008F"
            + "\u0090\u2018\u2019\u201C\u201D\u2022\u2013\u2014\u02DC\u2122\u0161\u203A\u0153\u009D\u017E\u0178";

    static Repaired repair(String text) {
        if (!suspicious(text)) {
            return new Repaired(text, 0);
        }
        StringBuilder out = new StringBuilder(text.length());
        int repairs = 0;
        int start = 0;
        while (start < text.length()) {
            int end = text.indexOf('\n', start);
            end = end < 0 ? text.length() : end + 1;
            String line = text.substring(start, end);
            for (int round = 0; round < 2; round++) {
                StringBuilder fixed = new StringBuilder(line.length());
                int count = repairLine(line, fixed);
                if (count == 0) {
                    break;
                }
                repairs += count;
                line = fixed.toString();
            }
            out.append(line);
            start = end;
        }
        return repairs == 0 ? new Repaired(text, 0) : new Repaired(out.toString(), repairs);
    }

    /** Every damaged sequence starts with a character of U+00C2–U+00F4. */
    private static boolean suspicious(String text) {
        for (int i = 0; i + 1 < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= 0xC2 && c <= 0xF4 && isContinuation(byteOf(text.charAt(i + 1)))) {
                return true;
            }
        }
        return false;
    }

    private static int repairLine(String line, StringBuilder out) {
        int sequences = 0;
        boolean strong = false;
        int i = 0;
        while (i < line.length()) {
            char c = line.charAt(i);
            int b = byteOf(c);
            if (b < 0x80) {
                out.append(c);
                i++;
                continue;
            }
            int size = b >= 0xC2 && b <= 0xDF ? 2 : b >= 0xE0 && b <= 0xEF ? 3 : b >= 0xF0 && b <= 0xF4 ? 4 : 0;
            int codePoint = size == 0 || i + size > line.length() ? -1 : decode(line, i, size, b);
            if (codePoint < 0) {
                return 0;
            }
            strong |= size > 2 || isStrongPair(c, line.charAt(i + 1));
            out.appendCodePoint(codePoint);
            sequences++;
            i += size;
        }
        // Two weak pairs side by side in one line are still likelier quotes after capitals than damage.
        return strong ? sequences : 0;
    }

    private static int decode(String line, int at, int size, int lead) {
        int codePoint = lead & (0xFF >> (size + 1));
        for (int k = 1; k < size; k++) {
            int b = byteOf(line.charAt(at + k));
            if (!isContinuation(b)) {
                return -1;
            }
            codePoint = codePoint << 6 | b & 0x3F;
        }
        int least = size == 2 ? 0x80 : size == 3 ? 0x800 : 0x10000;
        boolean valid = codePoint >= least && codePoint <= 0x10FFFF && (codePoint < 0xD800 || codePoint > 0xDFFF);
        return valid ? codePoint : -1;
    }

    /** Pairs that do not occur in text: after Ã or Â anything, after other capitals only what is no punctuation. */
    private static boolean isStrongPair(char lead, char second) {
        if (lead == 'Ã' || lead == 'Â') {
            // "NÃ–" style quotes and dashes after a Portuguese or Vietnamese capital stay possible text.
            return "\u201C\u201D\u2018\u2019\u2013\u2014\u2026\u00BB\u2122".indexOf(second) < 0;
        }
        return second < 0xA0 || "\u00A4\u00A6\u00AC\u00AD\u00AF\u00B4\u00B8\u0192\u02C6\u02DC\u0160\u0161\u017D\u017E\u0152\u0153\u0178"
                .indexOf(second) >= 0;
    }

    private static boolean isContinuation(int b) {
        return b >= 0x80 && b <= 0xBF;
    }

    /** The Windows-1252 byte of a character; 0 for characters outside it, which are never part of damage. */
    private static int byteOf(char c) {
        if (c <= 0xFF) {
            return c;
        }
        if (c > 0x2122 || c < 0x0152) {
            return 0;
        }
        int at = HIGH.indexOf(c);
        return at < 0 ? 0 : 0x80 + at;
    }
}
