package org.longhaul.data.dedup;

import java.text.Normalizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Text as datatrove (since December 2024) prepares it for MinHash: lower case; each number, with one separator inside, becomes 0;
 * listed punctuation becomes a space; white space is folded; NFD without non-spacing marks. Words are what white space separates:
 * after this preparation that is what its tokenizers give for languages written with spaces, apart from a few fused English
 * words such as "cannot".
 */
final class DatatroveText {
    private static final boolean[] PUNCTUATION = new boolean[0x10000];

    static {
        String marks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
                + "\u2014\u2013\u201D\u201C\u201E\u2019\u00AB\u00BB\u00B4\u2236\u2026\u2501\u3008\u3009\u300C\u300D\u300A\u300B\u3010\u3011"
                + "\uFF1A\uFF05\uFF11\uFF08\uFF09\uFF0C\uFF1B\uFF0E\uFF1F\uFF01\uFF5E\u3001\u3002\u25BA";
        for (int i = 0; i < marks.length(); i++) {
            PUNCTUATION[marks.charAt(i)] = true;
        }
        for (int c = 0; c < 160; c++) {
            boolean control = c <= 8 || c >= 11 && c <= 31 || c >= 127;
            PUNCTUATION[c] |= control;
        }
    }

    private DatatroveText() {}

    static String normalize(String text) {
        String spaced = punctuationToSpace(numbersToZero(text.toLowerCase(Locale.ROOT)));
        String decomposed = Normalizer.normalize(spaced, Normalizer.Form.NFD);
        StringBuilder out = new StringBuilder(decomposed.length());
        decomposed.codePoints()
                .filter(c -> Character.getType(c) != Character.NON_SPACING_MARK)
                .forEach(out::appendCodePoint);
        return String.join(" ", split(out.toString()));
    }

    static List<String> words(String text) {
        return split(normalize(text));
    }

    private static List<String> split(String text) {
        List<String> words = new ArrayList<>();
        int start = -1;
        for (int i = 0; i <= text.length(); i++) {
            boolean space = i == text.length() || Character.isWhitespace(text.charAt(i)) || Character.isSpaceChar(text.charAt(i));
            if (space && start >= 0) {
                words.add(text.substring(start, i));
                start = -1;
            } else if (!space && start < 0) {
                start = i;
            }
        }
        return words;
    }

    private static String numbersToZero(String text) {
        StringBuilder out = new StringBuilder(text.length());
        int n = text.length();
        int i = 0;
        while (i < n) {
            int end = digits(text, i);
            if (end == i) {
                out.append(text.charAt(i++));
                continue;
            }
            if (end < n && ".,\u066B\u066C\uFF0E\uFF0C".indexOf(text.charAt(end)) >= 0 && digits(text, end + 1) > end + 1) {
                end = digits(text, end + 1);
            }
            out.append('0');
            i = end;
        }
        return out.toString();
    }

    private static int digits(String text, int from) {
        int i = from;
        while (i < text.length()) {
            int c = text.codePointAt(i);
            if (Character.getType(c) != Character.DECIMAL_DIGIT_NUMBER) {
                break;
            }
            i += Character.charCount(c);
        }
        return i;
    }

    private static String punctuationToSpace(String text) {
        char[] chars = text.toCharArray();
        for (int i = 0; i < chars.length; i++) {
            if (PUNCTUATION[chars[i]]) {
                chars[i] = ' ';
            }
        }
        return new String(chars);
    }
}
