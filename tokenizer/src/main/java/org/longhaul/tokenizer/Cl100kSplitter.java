package org.longhaul.tokenizer;

import static org.longhaul.tokenizer.UnicodeClasses.LETTER;
import static org.longhaul.tokenizer.UnicodeClasses.NEWLINE;
import static org.longhaul.tokenizer.UnicodeClasses.NUMBER;
import static org.longhaul.tokenizer.UnicodeClasses.SPACE;

/**
 * The pattern of cl100k and Llama 3, {@code (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|
 *  ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+}, with the number of digits in one piece as a parameter (Qwen 2 has 1).
 */
final class Cl100kSplitter implements Splitter {
    private static final int USED = LETTER | NUMBER | SPACE;
    private final int digits;

    Cl100kSplitter(int digits) {
        this.digits = digits;
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
        int c = Utf8.classAt(text, from, to);
        int after = from + (c >> 8);
        if ((c & LETTER) != 0) {
            return Gpt2Splitter.run(text, after, to, LETTER);
        }
        if ((c & NUMBER) != 0) {
            return numbers(text, after, to);
        }
        int next = after < to ? Utf8.classAt(text, after, to) : 0;
        if ((c & NEWLINE) == 0 && (next & LETTER) != 0) {
            return Gpt2Splitter.run(text, after + (next >> 8), to, LETTER);
        }
        if ((c & SPACE) == 0) {
            return newlines(text, Gpt2Splitter.run(text, after, to, 0), to);
        }
        if (first == ' ' && after < to && (next & USED) == 0) {
            return newlines(text, Gpt2Splitter.run(text, after, to, 0), to);
        }
        return whiteSpace(text, from, to);
    }

    private int numbers(byte[] text, int at, int to) {
        for (int n = 1; n < digits && at < to; n++) {
            int c = Utf8.classAt(text, at, to);
            if ((c & NUMBER) == 0) {
                break;
            }
            at += c >> 8;
        }
        return at;
    }

    private static int newlines(byte[] text, int at, int to) {
        while (at < to && (text[at] == '\n' || text[at] == '\r')) {
            at++;
        }
        return at;
    }

    /** {@code \s*[\r\n]+} reaches to the last newline of the run; without one GPT-2's rule holds. */
    private static int whiteSpace(byte[] text, int from, int to) {
        int end = Gpt2Splitter.run(text, from, to, SPACE);
        for (int at = end - 1; at >= from; at--) {
            if (text[at] == '\n' || text[at] == '\r') {
                return at + 1;
            }
        }
        return Gpt2Splitter.whiteSpace(text, from, to);
    }

    /** As GPT-2's, in either case; the long s folds to s. */
    private static int contraction(byte[] text, int at, int to) {
        if (at >= to) {
            return 0;
        }
        int a = text[at] | 0x20;
        if (text[at] >= 0 && (a == 's' || a == 't' || a == 'm' || a == 'd')) {
            return 1;
        }
        int b = at + 1 < to ? text[at + 1] : 0;
        if (text[at] == (byte) 0xC5 && b == (byte) 0xBF) {
            return 2;
        }
        b |= 0x20;
        return text[at] >= 0 && b >= 0 && ((a == 'r' || a == 'v') && b == 'e' || a == 'l' && b == 'l') ? 2 : 0;
    }
}
