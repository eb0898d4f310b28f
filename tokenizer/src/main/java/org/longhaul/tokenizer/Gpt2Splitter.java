package org.longhaul.tokenizer;

import static org.longhaul.tokenizer.UnicodeClasses.LETTER;
import static org.longhaul.tokenizer.UnicodeClasses.NUMBER;
import static org.longhaul.tokenizer.UnicodeClasses.SPACE;

/** GPT-2's pattern: {@code 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+}. */
final class Gpt2Splitter implements Splitter {
    private static final int USED = LETTER | NUMBER | SPACE;
    private static final byte[] ASCII = new byte[128];

    static {
        for (int c = 0; c < 128; c++) {
            ASCII[c] = (byte) (UnicodeClasses.OF[c] & USED);
        }
    }

    @Override
    public int next(byte[] text, int from, int to) {
        int first = text[from];
        if (first == '\'') {
            int length = contraction(text, from + 1, to);
            if (length > 0) {
                return from + 1 + length;
            }
        }
        int at = from;
        if (first == ' ' && from + 1 < to) {
            at++;
        }
        int c = Utf8.classAt(text, at, to);
        int kind = c & USED;
        return kind == SPACE ? whiteSpace(text, from, to) : run(text, at + (c >> 8), to, kind);
    }

    /** The end of the run of characters of one kind: letters, numbers, white space, or none of them. */
    static int run(byte[] text, int at, int to, int kind) {
        while (at < to) {
            int b = text[at];
            if (b >= 0) {
                if (ASCII[b] != kind) {
                    return at;
                }
                at++;
            } else {
                int c = Utf8.classAt(text, at, to);
                if ((c & USED) != kind) {
                    return at;
                }
                at += c >> 8;
            }
        }
        return to;
    }

    /** {@code \s+(?!\S)|\s+}: all white space but the last character, which the next piece may want; all of it at the end. */
    static int whiteSpace(byte[] text, int from, int to) {
        int end = run(text, from, to, SPACE);
        if (end == to) {
            return to;
        }
        int last = end - 1;
        while ((text[last] & 0xC0) == 0x80) {
            last--;
        }
        return last > from ? last : end;
    }

    /** The length of {@code s t m d re ve ll} at {@code at}, else 0. */
    private static int contraction(byte[] text, int at, int to) {
        if (at >= to) {
            return 0;
        }
        int a = text[at];
        if (a == 's' || a == 't' || a == 'm' || a == 'd') {
            return 1;
        }
        int b = at + 1 < to ? text[at + 1] : 0;
        return (a == 'r' || a == 'v') && b == 'e' || a == 'l' && b == 'l' ? 2 : 0;
    }
}
