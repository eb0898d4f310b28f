package org.longhaul.data.quality;

import java.util.ArrayList;
import java.util.List;

/** Lines and white space by the rules of Python's {@code str}, which the published filters are defined on. */
final class TextLines {
    private TextLines() {}

    /** {@code str.splitlines()}: all line ends, no empty line after the last end. */
    static List<String> split(String text) {
        List<String> lines = new ArrayList<>();
        int n = text.length();
        int start = 0;
        for (int i = 0; i < n; i++) {
            if (isLineEnd(text.charAt(i))) {
                lines.add(text.substring(start, i));
                if (text.charAt(i) == '\r' && i + 1 < n && text.charAt(i + 1) == '\n') {
                    i++;
                }
                start = i + 1;
            }
        }
        if (start < n) {
            lines.add(text.substring(start));
        }
        return lines;
    }

    /** {@code re.split("\n{least,}", text)}. */
    static List<String> splitRuns(String text, int least) {
        List<String> parts = new ArrayList<>();
        int n = text.length();
        int start = 0;
        int i = 0;
        while (i < n) {
            if (text.charAt(i) != '\n') {
                i++;
                continue;
            }
            int end = i;
            while (end < n && text.charAt(end) == '\n') {
                end++;
            }
            if (end - i >= least) {
                parts.add(text.substring(start, i));
                start = end;
            }
            i = end;
        }
        parts.add(text.substring(start));
        return parts;
    }

    private static boolean isLineEnd(char c) {
        return c == '\n' || c == '\r' || c == 0x0B || c == 0x0C || c >= 0x1C && c <= 0x1E || c == 0x85 || c == 0x2028
                || c == 0x2029;
    }

    static boolean isSpace(char c) {
        return c == ' ' || c == '\n' || c == '\t' || c == 0x85 || c > 0 && (Character.isWhitespace(c) || Character.isSpaceChar(c));
    }

    static String strip(String text) {
        int end = text.length();
        while (end > 0 && isSpace(text.charAt(end - 1))) {
            end--;
        }
        int start = 0;
        while (start < end && isSpace(text.charAt(start))) {
            start++;
        }
        return text.substring(start, end);
    }

    static boolean startsWithAfterSpace(String line, String marks) {
        int i = 0;
        while (i < line.length() && isSpace(line.charAt(i))) {
            i++;
        }
        return i < line.length() && marks.indexOf(line.charAt(i)) >= 0;
    }

    static int lastNonSpace(String line) {
        int i = line.length() - 1;
        while (i >= 0 && isSpace(line.charAt(i))) {
            i--;
        }
        return i;
    }

    /** Longest run of non-space characters, in code points, and the number of such runs. */
    static int[] whitespaceWords(String line) {
        int count = 0;
        int longest = 0;
        int length = 0;
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (isSpace(c)) {
                length = 0;
            } else {
                if (length == 0) {
                    count++;
                }
                length += Character.isLowSurrogate(c) ? 0 : 1;
                longest = Math.max(longest, length);
            }
        }
        return new int[] {count, longest};
    }
}
