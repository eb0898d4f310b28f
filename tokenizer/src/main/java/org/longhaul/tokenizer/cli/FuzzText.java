package org.longhaul.tokenizer.cli;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Invented strings that pre-tokenizers and merges find hard; a string follows from its seed. */
final class FuzzText {
    private static final String[] PIECES = {"the", " The", "don't", "I'LL", "'s", "\u017F", "été", "ñ", "ß", "Ж", "ש", "שלום", "مرحبا", "नमस्ते", "ไทย", "中", "中文", "漢字かな", "の",
        "한국", "ử", "ἀ", "ℂ", "Ａ", "ｚ", "𐐀", "𝒳", "1", "42", "²", "Ⅷ", "〇", "①", "٣", "½", " ", "  ", "\t", "\u000B", "\f", "\u00A0", "\u0085", "\u1680", "\u2003", "\u2028",
        "\u2029", "\u202F", "\u205F", "\u3000", "\u3000\u3000", "\n", "\r\n", "\r", "\n\n", ".", ",", "--", "==", "{}", "()", "//", "，", "。", "！", "：", "～", "“", "’", "…", "—", "€", "₤",
        "\u0000", "\u0001", "\u001C", "\u007F", "\u0300", "\u0301", "e\u0301", "\u200B", "\u200D", "\u200E", "\u202E", "\uFEFF", "\uFFFD", "\uFFFF", "\uE000", "\uF8FF", "\uDBFF\uDFFF", "😀",
        "👨\u200D👩\u200D👧", "🏳\uFE0F\u200D🌈", "🇩🇪", "👍🏽", "龥", "龦", "䷿", "\u9FFF", "𠀀", "\uAC00", "\uD7A3", "\uD7FF", "\u0800", "\u07FF", "ø", "ÿ", "ü", "Ġ", "Ċ", "Ł",
        "<\uFF5Cbegin\u2581of\u2581sentence\uFF5C>", "<\uFF5Cend\u2581of\u2581sentence\uFF5C>", "<\uFF5Cend", "<|endoftext|>"};

    private FuzzText() {}

    static String of(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        StringBuilder text = new StringBuilder();
        int style = random.nextInt(4000);
        if (style == 0) {
            // One piece 64 kB long, with something at either end; of white space 1 kB, for which regex engines take quadratic time: see spaces.
            String run = style(random);
            int most = isSpace(run) ? 1 << 10 : 1 << 16;
            text.append(style(random)).append(run.repeat(most / run.length())).append(style(random));
            return text.toString();
        }
        int length = 1 + random.nextInt(style < 80 ? 120 : 10);
        for (int i = 0; i < length; i++) {
            switch (random.nextInt(8)) {
                case 0 -> text.appendCodePoint(point(random, 0x110000));
                case 1 -> text.appendCodePoint(point(random, 0x3000));
                case 2 -> text.append((char) (32 + random.nextInt(95)));
                case 3 -> text.append(style(random).repeat(1 + random.nextInt(5)));
                default -> text.append(style(random));
            }
        }
        return text.toString();
    }

    /** 64 kB of white space, of one kind or mixed, with or without something at either end. */
    static String spaces(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        String[] kinds = Arrays.stream(PIECES).filter(FuzzText::isSpace).toArray(String[]::new);
        boolean mixed = random.nextBoolean();
        String kind = kinds[random.nextInt(kinds.length)];
        StringBuilder text = new StringBuilder(random.nextBoolean() ? style(random) : "");
        for (int size = 0; size < 1 << 16; size += kind.getBytes(StandardCharsets.UTF_8).length) {
            kind = mixed ? kinds[random.nextInt(kinds.length)] : kind;
            text.append(kind);
        }
        return text.append(random.nextBoolean() ? style(random) : "").toString();
    }

    private static boolean isSpace(String text) {
        return text.codePoints().allMatch(c -> Character.isWhitespace(c) || Character.isSpaceChar(c));
    }

    private static String style(SplittableRandom random) {
        return PIECES[random.nextInt(PIECES.length)];
    }

    /** Any code point that UTF-8 can carry. */
    private static int point(SplittableRandom random, int bound) {
        int point = random.nextInt(bound);
        return point >>> 11 == 0x1B ? 0xFFFD : point;
    }
}
