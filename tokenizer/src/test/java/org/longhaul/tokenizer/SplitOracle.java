package org.longhaul.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The pre-tokenizers as their published patterns, run by {@link java.util.regex} with the pinned character classes written out. */
final class SplitOracle {
    private static final String SPACE = members(UnicodeClasses.SPACE);
    private static final String LETTER = members(UnicodeClasses.LETTER);
    private static final String NUMBER = members(UnicodeClasses.NUMBER);
    private static final List<Pattern> DEEPSEEK = List.of(Pattern.compile("[\r\n]"),
            Pattern.compile("[" + SPACE + "]?[" + members(UnicodeClasses.DEEPSEEK_LETTER) + "]+"),
            Pattern.compile("[" + SPACE + "]?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+"),
            Pattern.compile("[" + SPACE + "]+\\z"),
            Pattern.compile("[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+"),
            Pattern.compile("[" + members(UnicodeClasses.NUMERIC) + "]"));
    private static final String OTHERS = "[^" + SPACE + LETTER + NUMBER + "]+";
    private static final Pattern GPT2 = Pattern.compile("'s|'t|'re|'ve|'m|'ll|'d| ?[" + LETTER + "]+| ?[" + NUMBER + "]+| ?" + OTHERS
            + "|[" + SPACE + "]+(?![^" + SPACE + "])|[" + SPACE + "]+");

    private static final Pattern CL100K = cl100k(3);
    private static final Pattern QWEN2 = cl100k(1);

    private SplitOracle() {}

    private static String members(int bit) {
        StringBuilder out = new StringBuilder();
        for (int from = 0; from < 0x110000; from++) {
            if ((UnicodeClasses.OF[from] & bit) != 0) {
                int to = from;
                while (to + 1 < 0x110000 && (UnicodeClasses.OF[to + 1] & bit) != 0) {
                    to++;
                }
                out.append(String.format("\\x{%X}-\\x{%X}", from, to));
                from = to;
            }
        }
        return out.toString();
    }

    static List<String> deepSeek(String text) {
        List<String> pieces = List.of(text);
        for (Pattern step : DEEPSEEK) {
            List<String> cut = new ArrayList<>();
            pieces.forEach(piece -> isolate(step, piece, cut));
            pieces = cut;
        }
        return pieces;
    }

    static List<String> gpt2(String text) {
        List<String> pieces = new ArrayList<>();
        isolate(GPT2, text, pieces);
        return pieces;
    }

    static List<String> cl100k(String text, int digits) {
        List<String> pieces = new ArrayList<>();
        isolate(digits == 3 ? CL100K : QWEN2, text, pieces);
        return pieces;
    }

    private static Pattern cl100k(int digits) {
        return Pattern.compile("(?i:'s|'t|'re|'ve|'m|'ll|'d|'\u017F)|[^\r\n" + LETTER + NUMBER + "]?[" + LETTER + "]+|[" + NUMBER
                + "]{1," + digits + "}| ?" + OTHERS + "[\r\n]*|[" + SPACE + "]*[\r\n]+|[" + SPACE + "]+(?![^" + SPACE + "])|[" + SPACE + "]+");
    }

    private static void isolate(Pattern step, String piece, List<String> out) {
        Matcher matcher = step.matcher(piece);
        int at = 0;
        while (matcher.find()) {
            if (matcher.start() > at) {
                out.add(piece.substring(at, matcher.start()));
            }
            if (matcher.end() > matcher.start()) {
                out.add(matcher.group());
            }
            at = matcher.end();
        }
        if (at < piece.length()) {
            out.add(piece.substring(at));
        }
    }
}
