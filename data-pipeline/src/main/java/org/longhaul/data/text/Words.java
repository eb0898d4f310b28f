package org.longhaul.data.text;

import java.util.Arrays;

/**
 * Word tokens of a text as spans, found without a model. The rules, per code point:
 * <ul>
 *   <li>white space separates;
 *   <li>a word is a run of letters, marks and digits; an apostrophe (' or ’) or hyphen between two letters and a full stop or
 *       comma between two digits belong to it;
 *   <li>scripts written without spaces give one word per Han ideograph, per Hiragana, Thai, Lao, Khmer or Myanmar letter with
 *       its marks, and one per run of Katakana;
 *   <li>everything else is punctuation: a run of the same character is one token.
 * </ul>
 */
public final class Words {
    private static final byte SPACE = 0;
    private static final byte WORD = 1;
    private static final byte SINGLE = 2;
    private static final byte KATAKANA = 3;
    private static final byte MARK = 4;
    private static final byte OTHER = 5;
    private static final byte DIGIT = 6;

    private static final byte[] ASCII = new byte[128];

    static {
        for (int c = 0; c < 128; c++) {
            ASCII[c] = c <= ' ' || c == 0x7F ? SPACE : Character.isDigit(c) ? DIGIT : Character.isLetter(c) ? WORD : OTHER;
        }
    }

    private final String text;
    private int[] starts = new int[64];
    private int[] ends = new int[64];
    private boolean[] punctuation = new boolean[64];
    private int count;
    private int unsegmented;
    private int letters;

    private Words(String text) {
        this.text = text;
    }

    /** Finds the words of a text. */
    public static Words of(String text) {
        Words words = new Words(text);
        words.scan();
        return words;
    }

    private void scan() {
        int n = text.length();
        int i = 0;
        while (i < n) {
            int codePoint = text.codePointAt(i);
            int size = Character.charCount(codePoint);
            switch (classOf(codePoint)) {
                case SPACE -> i += size;
                case WORD, DIGIT, MARK -> i = word(i, n);
                case SINGLE -> {
                    int end = afterMarks(i + size, n);
                    add(i, end, false);
                    letters++;
                    unsegmented++;
                    i = end;
                }
                case KATAKANA -> {
                    int end = i + size;
                    while (end < n && (classOf(text.codePointAt(end)) == KATAKANA || classOf(text.codePointAt(end)) == MARK)) {
                        end += Character.charCount(text.codePointAt(end));
                    }
                    add(i, end, false);
                    letters += end - i;
                    unsegmented += end - i;
                    i = end;
                }
                default -> {
                    int end = i + size;
                    while (end < n && text.codePointAt(end) == codePoint) {
                        end += size;
                    }
                    add(i, end, true);
                    i = end;
                }
            }
        }
    }

    private int word(int from, int n) {
        int i = from;
        byte last = SPACE;
        while (i < n) {
            int codePoint = text.codePointAt(i);
            int size = Character.charCount(codePoint);
            byte type = classOf(codePoint);
            if (type == WORD || type == DIGIT || type == MARK) {
                letters += type == WORD ? 1 : 0;
                last = type == MARK ? last : type;
                i += size;
                continue;
            }
            if (type == OTHER && i + 1 < n && joins(codePoint, last, classOf(text.codePointAt(i + 1)))) {
                i += size;
                continue;
            }
            break;
        }
        add(from, i, false);
        return i;
    }

    private static boolean joins(int codePoint, byte left, byte right) {
        return switch (codePoint) {
            case '\'', '\u2019', '-', '\u2010' -> left == WORD && right == WORD;
            case '.', ',' -> left == DIGIT && right == DIGIT;
            default -> false;
        };
    }

    private int afterMarks(int from, int n) {
        int i = from;
        while (i < n && classOf(text.codePointAt(i)) == MARK) {
            i += Character.charCount(text.codePointAt(i));
        }
        return i;
    }

    private void add(int start, int end, boolean isPunctuation) {
        if (count == starts.length) {
            starts = Arrays.copyOf(starts, count * 2);
            ends = Arrays.copyOf(ends, count * 2);
            punctuation = Arrays.copyOf(punctuation, count * 2);
        }
        starts[count] = start;
        ends[count] = end;
        punctuation[count++] = isPunctuation;
    }

    private static byte classOf(int codePoint) {
        if (codePoint < 128) {
            return ASCII[codePoint];
        }
        if (Scripts.isUnsegmented(codePoint)) {
            return Scripts.isKatakana(codePoint) ? KATAKANA : isMark(codePoint) ? MARK : SINGLE;
        }
        return switch (Character.getType(codePoint)) {
            case Character.UPPERCASE_LETTER, Character.LOWERCASE_LETTER, Character.TITLECASE_LETTER,
                    Character.MODIFIER_LETTER, Character.OTHER_LETTER, Character.LETTER_NUMBER -> WORD;
            case Character.DECIMAL_DIGIT_NUMBER, Character.OTHER_NUMBER -> DIGIT;
            case Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK -> MARK;
            case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR,
                    Character.CONTROL -> SPACE;
            case Character.FORMAT -> codePoint == 0x200C || codePoint == 0x200D ? MARK : OTHER;
            default -> OTHER;
        };
    }

    private static boolean isMark(int codePoint) {
        int type = Character.getType(codePoint);
        return type == Character.NON_SPACING_MARK || type == Character.COMBINING_SPACING_MARK;
    }

    /** The text that the spans point into. */
    public String text() {
        return text;
    }

    /** Number of tokens, punctuation included. */
    public int count() {
        return count;
    }

    /** Where token i starts, in UTF-16 units. */
    public int start(int i) {
        return starts[i];
    }

    /** Where token i ends (exclusive). */
    public int end(int i) {
        return ends[i];
    }

    /** Length of token i in UTF-16 units. */
    public int length(int i) {
        return ends[i] - starts[i];
    }

    /** Whether token i is punctuation or a symbol only. */
    public boolean isPunctuation(int i) {
        return punctuation[i];
    }

    /** Token i. */
    public String word(int i) {
        return text.substring(starts[i], ends[i]);
    }

    /** Share of letters that belong to scripts written without spaces; 0 when there are no letters. */
    public double unsegmentedShare() {
        return letters == 0 ? 0 : (double) unsegmented / letters;
    }
}
