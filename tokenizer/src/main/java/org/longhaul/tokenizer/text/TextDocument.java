package org.longhaul.tokenizer.text;

import java.nio.file.Path;

/** One document as a reader hands it out; the object and its buffer are used again for the next one. */
public final class TextDocument {
    byte[] text = new byte[1 << 14];
    int length;
    String source = "";
    String language = "";
    Path file;
    long line;

    TextDocument() {}

    /** UTF-8 of the text, valid up to {@link #length()}. */
    public byte[] text() {
        return text;
    }

    /** Length of the text in bytes. */
    public int length() {
        return length;
    }

    /** What the record names as its source, else empty. */
    public String source() {
        return source;
    }

    /** What the record names as its language, else empty. */
    public String language() {
        return language;
    }

    /** The file it comes from. */
    public Path file() {
        return file;
    }

    /** The line of the file at which it starts, from 1. */
    public long line() {
        return line;
    }

    /** A copy of the text. */
    public byte[] copy() {
        return java.util.Arrays.copyOf(text, length);
    }


    /** Appends UTF-16 as UTF-8; a lone surrogate becomes U+FFFD. */
    void append(char[] chars, int from, int count) {
        if (text.length - length < 3L * count) {
            text = java.util.Arrays.copyOf(text, (int) Math.min(Integer.MAX_VALUE - 8L, Math.max(length + 3L * count, text.length * 2L)));
        }
        byte[] out = text;
        int at = length;
        for (int i = from; i < from + count; i++) {
            int c = chars[i];
            if (c < 0x80) {
                out[at++] = (byte) c;
            } else if (c < 0x800) {
                out[at++] = (byte) (0xC0 | c >> 6);
                out[at++] = (byte) (0x80 | c & 0x3F);
            } else {
                if (Character.isHighSurrogate((char) c) && i + 1 < from + count && Character.isLowSurrogate(chars[i + 1])) {
                    c = Character.toCodePoint((char) c, chars[++i]);
                    out[at++] = (byte) (0xF0 | c >> 18);
                    out[at++] = (byte) (0x80 | c >> 12 & 0x3F);
                } else {
                    c = c >>> 11 == 0x1B ? 0xFFFD : c;
                    out[at++] = (byte) (0xE0 | c >> 12);
                }
                out[at++] = (byte) (0x80 | c >> 6 & 0x3F);
                out[at++] = (byte) (0x80 | c & 0x3F);
            }
        }
        length = at;
    }
}
