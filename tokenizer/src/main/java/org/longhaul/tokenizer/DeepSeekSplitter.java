package org.longhaul.tokenizer;

import static org.longhaul.tokenizer.UnicodeClasses.DEEPSEEK_CJK;
import static org.longhaul.tokenizer.UnicodeClasses.DEEPSEEK_LETTER;
import static org.longhaul.tokenizer.UnicodeClasses.DEEPSEEK_PUNCTUATION;
import static org.longhaul.tokenizer.UnicodeClasses.NEWLINE;
import static org.longhaul.tokenizer.UnicodeClasses.NUMERIC;
import static org.longhaul.tokenizer.UnicodeClasses.SPACE;

/**
 * The seven pre-tokenization steps that DeepSeek LLM publishes, in one pass. Because every step only cuts the pieces of the
 * step before, the result is a set of boundaries; whether one stands between characters a and b follows from their classes
 * and, when b is white space, from what ends its run:
 * newlines and numbers stand alone (steps 1, 6); membership in the CJK range never changes inside a piece (5); cased letters take
 * one white-space character before them (2), and so does punctuation (3); white space that ends a piece is cut off (4).
 * The published punctuation class contains the ASCII and full-width letters, so step 3 also cuts {@code Héllo} around é.
 */
final class DeepSeekSplitter implements Splitter {
    private static final int WORD = 1;
    private static final int MARK = 2;
    private static final int BLANK = 3;
    private static final int ALONE = 4;
    private static final int OTHER = 0;
    private static final byte[] ASCII = ascii();
    private static final byte[] CLASSES = UnicodeClasses.OF;

    private static final int USED = DEEPSEEK_CJK | DEEPSEEK_LETTER | DEEPSEEK_PUNCTUATION | NEWLINE | NUMERIC | SPACE;
    /** Stands for the end of a gap between letter pieces in look-ahead. */
    private static final int GAP_END = NEWLINE;

    private static byte[] ascii() {
        byte[] kinds = new byte[128];
        for (int c = 0; c < 128; c++) {
            int classes = UnicodeClasses.OF[c] & 0xFF;
            kinds[c] = (byte) ((classes & (NEWLINE | NUMERIC)) != 0 ? ALONE
                    : (classes & DEEPSEEK_LETTER) != 0 ? WORD
                    : (classes & DEEPSEEK_PUNCTUATION) != 0 ? MARK
                    : (classes & SPACE) != 0 ? BLANK : OTHER);
        }
        return kinds;
    }

    @Override
    public int next(byte[] text, int from, int to) {
        int first = text[from];
        int at = from + 1;
        if (first < 0) {
            return multiByte(text, from, to);
        }
        int kind = ASCII[first];
        if (kind == BLANK && at < to) {
            int second = text[at];
            if (second < 0) {
                return general(text, from, to);
            }
            kind = ASCII[second];
            if (kind == BLANK) {
                return general(text, from, to);
            }
            if (kind == ALONE) {
                return at;
            }
            at++;
        }
        return switch (kind) {
            case WORD -> word(text, from, at, to);
            case MARK -> marks(text, from, at, to);
            case ALONE -> at;
            case BLANK -> at;
            default -> general(text, from, to);
        };
    }

    private static int word(byte[] text, int from, int at, int to) {
        int b = 0;
        while (at < to && (b = text[at]) >= 0 && ASCII[b] == WORD) {
            at++;
        }
        // Only full-width letters go on with ASCII letters: the punctuation step has both and the other letters not.
        return at == to || b >= 0 || (Utf8.classAt(text, at, to) & (DEEPSEEK_LETTER | DEEPSEEK_PUNCTUATION))
                != (DEEPSEEK_LETTER | DEEPSEEK_PUNCTUATION) ? at : general(text, from, to);
    }

    private static int marks(byte[] text, int from, int at, int to) {
        int b = 0;
        while (at < to && (b = text[at]) >= 0 && ASCII[b] == MARK) {
            at++;
        }
        return at == to || b >= 0 || (Utf8.classAt(text, at, to) & (DEEPSEEK_PUNCTUATION | DEEPSEEK_LETTER | DEEPSEEK_CJK))
                != DEEPSEEK_PUNCTUATION ? at : general(text, from, to);
    }

    /** Runs of the CJK class and nothing else are most of Chinese and Japanese text. */
    private static int multiByte(byte[] text, int from, int to) {
        int at = from;
        while (at + 2 < to) {
            int b0 = text[at];
            int b1 = text[at + 1] ^ 0xFFFFFF80;
            int b2 = text[at + 2] ^ 0xFFFFFF80;
            if ((b0 & 0xF0) != 0xE0 || ((b1 | b2) & ~0x3F) != 0) {
                break;
            }
            // The overlong forms and the surrogates have no class bits, so the table refuses them.
            if ((CLASSES[(b0 & 0xF) << 12 | b1 << 6 | b2] & USED) != DEEPSEEK_CJK) {
                break;
            }
            at += 3;
        }
        return at == from ? general(text, from, to) : walk(text, DEEPSEEK_CJK, at, to);
    }

    private static int general(byte[] text, int from, int to) {
        int a = Utf8.classAt(text, from, to);
        return walk(text, a & USED, from + (a >> 8), to);
    }

    private static int walk(byte[] text, int a, int at, int to) {
        while (at < to) {
            int b = Utf8.classAt(text, at, to);
            int next = at + (b >> 8);
            if (boundary(a, b & USED, text, next, to)) {
                return at;
            }
            a = b & USED;
            at = next;
        }
        return to;
    }

    /** Whether a piece ends between characters of classes a and b, where {@code after} is the position behind b. */
    private static boolean boundary(int a, int b, byte[] text, int after, int to) {
        if (((a | b) & (NEWLINE | NUMERIC)) != 0 || ((a ^ b) & DEEPSEEK_CJK) != 0) {
            return true;
        }
        if ((b & DEEPSEEK_LETTER) != 0) {
            if ((a & DEEPSEEK_LETTER) != 0) {
                return ((a ^ b) & DEEPSEEK_PUNCTUATION) != 0;
            }
            // The ideographic space is white space and punctuation: taken by the letters, then cut off again before é but not before x.
            return (a & SPACE) == 0 || (a & DEEPSEEK_PUNCTUATION) != 0 && (b & DEEPSEEK_PUNCTUATION) == 0;
        }
        if ((a & DEEPSEEK_LETTER) != 0) {
            return true;
        }
        if ((b & SPACE) != 0) {
            return beforeSpace(a, b, text, after, to);
        }
        if ((a & DEEPSEEK_PUNCTUATION) != 0) {
            return (b & DEEPSEEK_PUNCTUATION) == 0;
        }
        return (b & DEEPSEEK_PUNCTUATION) != 0 && (a & SPACE) == 0;
    }

    private static boolean beforeSpace(int a, int b, byte[] text, int after, int to) {
        int next = inGap(text, after, to);
        if (next == DEEPSEEK_LETTER) {
            return true;
        }
        boolean ideographic = (b & DEEPSEEK_PUNCTUATION) != 0;
        if (ideographic != ((a & DEEPSEEK_PUNCTUATION) != 0)) {
            // A punctuation run starts with b and takes white space a along, or ended with a.
            return !ideographic || (a & SPACE) == 0;
        }
        if (!ideographic && (next & DEEPSEEK_PUNCTUATION) != 0) {
            return true;
        }
        if ((a & SPACE) != 0) {
            return false;
        }
        int wanted = ideographic ? SPACE | DEEPSEEK_PUNCTUATION : SPACE;
        int at = after;
        while ((next & (SPACE | DEEPSEEK_PUNCTUATION)) == wanted) {
            at += Utf8.classAt(text, at, to) >> 8;
            next = inGap(text, at, to);
        }
        if (next == GAP_END || next == DEEPSEEK_LETTER) {
            return true;
        }
        return ideographic == ((next & DEEPSEEK_PUNCTUATION) == 0);
    }

    /**
     * The classes of the character at {@code at} as the steps after the second see them: {@code GAP_END} where the text or the line
     * ends or a letter piece starts with its white space, and exactly {@code DEEPSEEK_LETTER} for a letter.
     */
    private static int inGap(byte[] text, int at, int to) {
        if (at >= to) {
            return GAP_END;
        }
        int c = Utf8.classAt(text, at, to);
        if ((c & NEWLINE) != 0) {
            return GAP_END;
        }
        if ((c & DEEPSEEK_LETTER) != 0) {
            return DEEPSEEK_LETTER;
        }
        int after = at + (c >> 8);
        if ((c & SPACE) != 0 && after < to && (Utf8.classAt(text, after, to) & DEEPSEEK_LETTER) != 0) {
            return GAP_END;
        }
        return c & USED;
    }
}
