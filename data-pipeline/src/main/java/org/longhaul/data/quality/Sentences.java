package org.longhaul.data.quality;

/**
 * Counts sentences without a model: a run of . ! ? … with closing quotes and brackets, followed by white space or the end of the
 * line, ends one; the full-width and CJK ends and the Indic danda end one anywhere; a rest with a letter or digit is one more.
 */
final class Sentences {
    private static final String ENDS = ".!?\u2026\u061F\u06D4\u0589\u1362\u104B\u17D4";
    private static final String HARD_ENDS = "\u3002\uFF01\uFF1F\uFF61\u0964\u0965";
    private static final String CLOSERS = "\"'\u201D\u2019\u00BB)]\u300D\u300F\uFF09";

    private Sentences() {}

    static int count(String line) {
        int count = 0;
        boolean open = false;
        int n = line.length();
        int i = 0;
        while (i < n) {
            char c = line.charAt(i);
            boolean hard = HARD_ENDS.indexOf(c) >= 0;
            if (!hard && ENDS.indexOf(c) < 0) {
                open |= Character.isLetterOrDigit(c) || Character.isSurrogate(c);
                i++;
                continue;
            }
            while (i < n && (ENDS.indexOf(line.charAt(i)) >= 0 || HARD_ENDS.indexOf(line.charAt(i)) >= 0)) {
                hard |= HARD_ENDS.indexOf(line.charAt(i)) >= 0;
                i++;
            }
            while (i < n && CLOSERS.indexOf(line.charAt(i)) >= 0) {
                i++;
            }
            if (open && (hard || i == n || TextLines.isSpace(line.charAt(i)))) {
                count++;
                open = false;
            }
        }
        return open ? count + 1 : count;
    }
}
