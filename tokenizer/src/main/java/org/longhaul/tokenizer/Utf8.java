package org.longhaul.tokenizer;

/** UTF-8 as the splitters see it: a byte that starts no well-formed sequence is a character of its own, of no class. */
final class Utf8 {
    private static final byte[] CLASSES = UnicodeClasses.OF;

    private Utf8() {}

    /** Length in bytes shifted left by 8, plus the class bits, of the character at {@code at < to}. */
    static int classAt(byte[] text, int at, int to) {
        int b0 = text[at];
        if (b0 >= 0) {
            return 0x100 | CLASSES[b0] & 0xFF;
        }
        int point = multiByte(text, at, to);
        return point < 0 ? 0x100 : (point < 0x800 ? 0x200 : point < 0x10000 ? 0x300 : 0x400) | CLASSES[point] & 0xFF;
    }

    /** The code point of the well-formed multi-byte sequence at {@code at}, or -1: overlong forms and surrogates are not well-formed. */
    static int multiByte(byte[] text, int at, int to) {
        int b0 = text[at] & 0xFF;
        if (b0 < 0xC2 || at + 1 >= to) {
            return -1;
        }
        int b1 = text[at + 1] ^ 0xFFFFFF80;
        if ((b1 & ~0x3F) != 0) {
            return -1;
        }
        if (b0 < 0xE0) {
            return (b0 & 0x1F) << 6 | b1;
        }
        if (at + 2 >= to) {
            return -1;
        }
        int b2 = text[at + 2] ^ 0xFFFFFF80;
        if ((b2 & ~0x3F) != 0) {
            return -1;
        }
        if (b0 < 0xF0) {
            int point = (b0 & 0xF) << 12 | b1 << 6 | b2;
            return point < 0x800 || point >>> 11 == 0x1B ? -1 : point;
        }
        if (b0 > 0xF4 || at + 3 >= to) {
            return -1;
        }
        int b3 = text[at + 3] ^ 0xFFFFFF80;
        if ((b3 & ~0x3F) != 0) {
            return -1;
        }
        int point = (b0 & 7) << 18 | b1 << 12 | b2 << 6 | b3;
        return point < 0x10000 || point > 0x10FFFF ? -1 : point;
    }

    /** UTF-8 of a string; a lone surrogate becomes U+FFFD, where {@link String#getBytes} would write a question mark. */
    static byte[] encode(String text) {
        byte[] bytes = text.getBytes(java.nio.charset.StandardCharsets.UTF_8);
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                return encodeWithSurrogates(text);
            }
        }
        return bytes;
    }

    private static byte[] encodeWithSurrogates(String text) {
        StringBuilder mended = new StringBuilder(text);
        for (int i = 0; i < mended.length(); i++) {
            char c = mended.charAt(i);
            if (Character.isHighSurrogate(c) && i + 1 < mended.length() && Character.isLowSurrogate(mended.charAt(i + 1))) {
                i++;
            } else if (Character.isSurrogate(c)) {
                mended.setCharAt(i, '\uFFFD');
            }
        }
        return mended.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }
}
