package org.longhaul.data.language;

import org.longhaul.data.text.Scripts;

/**
 * The part of a text that tells its language: words of letters only, from the beginning, without addresses, markup, code spans
 * and identifiers; with counts of letters by script.
 */
final class LetterSample {
    /** Scripts that are told apart; every other letter is {@link #OTHER}. */
    enum Script {
        LATIN, CYRILLIC, ARABIC, DEVANAGARI, HAN, KANA, HANGUL, GREEK, HEBREW, THAI, ARMENIAN, GEORGIAN, BENGALI, GUJARATI,
        GURMUKHI, TAMIL, TELUGU, OTHER
    }

    private final StringBuilder text = new StringBuilder();
    private final int[] letters = new int[Script.values().length];
    private int total;

    private LetterSample() {}

    static LetterSample of(String source, int maxLetters) {
        LetterSample sample = new LetterSample();
        // A text that is nearly all code still shows its language in comments, so code spans are a second choice.
        sample.collect(source, maxLetters, true);
        if (sample.total < 20) {
            sample.reset();
            sample.collect(source, maxLetters, false);
        }
        return sample;
    }

    private void reset() {
        text.setLength(0);
        java.util.Arrays.fill(letters, 0);
        total = 0;
    }

    private void collect(String source, int maxLetters, boolean skipCode) {
        int n = source.length();
        // Bounds the work on texts with hardly any letters.
        int limit = (int) Math.min(n, 20L * maxLetters + 1000);
        int i = 0;
        while (i < limit && total < maxLetters) {
            char c = source.charAt(i);
            if (c <= ' ') {
                i++;
                continue;
            }
            if (skipCode && c == '`') {
                i = afterCode(source, i, limit);
                continue;
            }
            if (skipCode && c == '<' && i + 1 < n && !Character.isWhitespace(source.charAt(i + 1))) {
                int close = source.indexOf('>', i);
                if (close > 0 && close - i < 300) {
                    i = close + 1;
                    continue;
                }
            }
            int end = i;
            while (end < limit && source.charAt(end) > ' ' && source.charAt(end) != '`' && source.charAt(end) != '<') {
                end++;
            }
            end = Math.max(end, i + 1);
            chunk(source, i, end, maxLetters);
            i = end;
        }
    }

    private static int afterCode(String source, int from, int limit) {
        int ticks = 1;
        while (from + ticks < limit && source.charAt(from + ticks) == '`') {
            ticks++;
        }
        int close = source.indexOf("`".repeat(ticks), from + ticks);
        return close < 0 ? from + ticks : close + ticks;
    }

    /** One run without white space: skipped if it looks like an address or identifier, else its letters are taken. */
    private void chunk(String source, int from, int to, int maxLetters) {
        for (int i = from; i < to; i++) {
            char c = source.charAt(i);
            boolean machine = c == '/' || c == '\\' || c == '@' || c == '_' || c == '{' || c == '}' || c == '=' || c == '$'
                    || c == '.' && i + 1 < to && i > from && isAsciiLetter(source.charAt(i + 1)) && isAsciiLetter(source.charAt(i - 1));
            if (machine) {
                return;
            }
        }
        boolean open = false;
        for (int i = from; i < to && total < maxLetters; ) {
            int c = source.codePointAt(i);
            i += Character.charCount(c);
            if (Character.isLetter(c)) {
                letters[scriptOf(c).ordinal()]++;
                total++;
                text.appendCodePoint(c);
                open = true;
            } else if (Character.getType(c) == Character.NON_SPACING_MARK || Character.getType(c) == Character.COMBINING_SPACING_MARK
                    || open && (c == '\'' || c == '\u2019')) {
                text.appendCodePoint(c);
            } else if (open) {
                text.append(' ');
                open = false;
            }
        }
        if (open) {
            text.append(' ');
        }
    }

    private static boolean isAsciiLetter(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z';
    }

    static Script scriptOf(int c) {
        if (c < 0x370) {
            return Script.LATIN;
        }
        if (c < 0x1200) {
            return c < 0x400 ? Script.GREEK
                    : c < 0x530 ? Script.CYRILLIC
                    : c < 0x590 ? Script.ARMENIAN
                    : c < 0x600 ? Script.HEBREW
                    : c < 0x780 ? Script.ARABIC
                    : c < 0x900 ? Script.OTHER
                    : c < 0x980 ? Script.DEVANAGARI
                    : c < 0xA00 ? Script.BENGALI
                    : c < 0xA80 ? Script.GURMUKHI
                    : c < 0xB00 ? Script.GUJARATI
                    : c < 0xB80 ? Script.OTHER
                    : c < 0xC00 ? Script.TAMIL
                    : c < 0xC80 ? Script.TELUGU
                    : c >= 0xE00 && c < 0xE80 ? Script.THAI
                    : c >= 0x10A0 && c < 0x1100 ? Script.GEORGIAN
                    : c >= 0x1100 ? Script.HANGUL
                    : Script.OTHER;
        }
        if (c >= 0x1E00 && c < 0x1F00 || c >= 0xFF21 && c <= 0xFF5A) {
            return Script.LATIN;
        }
        if (Scripts.isHan(c)) {
            return Script.HAN;
        }
        if (Scripts.isHiragana(c) || Scripts.isKatakana(c)) {
            return Script.KANA;
        }
        if (Scripts.isHangul(c)) {
            return Script.HANGUL;
        }
        return c >= 0x1F00 && c < 0x2000 ? Script.GREEK : c >= 0xFB50 && c < 0xFF00 ? Script.ARABIC : Script.OTHER;
    }

    /** Words separated by spaces. */
    String text() {
        return text.toString();
    }

    /** Letters taken. */
    int total() {
        return total;
    }

    /** Letters of one script. */
    int count(Script script) {
        return letters[script.ordinal()];
    }

    /** The script with most letters; kana counts with Han, because Japanese uses both, and dense scripts count double. */
    Script dominant() {
        Script best = Script.OTHER;
        int most = 0;
        for (Script script : Script.values()) {
            int count = switch (script) {
                case HAN -> 2 * (count(Script.HAN) + count(Script.KANA));
                case KANA -> 0;
                case HANGUL -> 2 * count(script);
                default -> count(script);
            };
            if (count > most) {
                most = count;
                best = script;
            }
        }
        return best;
    }
}
