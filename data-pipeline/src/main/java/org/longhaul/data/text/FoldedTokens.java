package org.longhaul.data.text;

import java.text.Normalizer;
import java.util.Arrays;

/**
 * Hashes of the folded tokens of a text, arithmetic "longhaul-1": letters in lower case without marks, a run of digits is one 0,
 * everything else separates; in scripts without spaces each letter is a token. A token's hash is the polynomial of its folded
 * UTF-16 units, a shingle's that of its token hashes. Buffers are reused; one thread, one instance.
 */
public final class FoldedTokens {
    /** Base of the polynomial over UTF-16 units. */
    public static final long UNIT = 0x9E3779B97F4A7C15L;
    /** Base of the polynomial over tokens. */
    public static final long TOKEN = 0xD1B54A32D192ED03L;

    /** Folded form of each UTF-16 unit; 0 drops it, 1 separates. */
    private static final char[] FOLD = new char[0x10000];
    private static final char SEPARATES = 1;

    static {
        for (int c = 0; c < FOLD.length; c++) {
            FOLD[c] = foldUnit((char) c);
        }
    }

    private long[] hashes = new long[256];
    private int[] starts = new int[256];
    private int[] ends = new int[256];
    private int count;
    private int unsegmented;

    private static char foldUnit(char c) {
        // Hangul would decompose into its letters; whole syllables are the finer tokens.
        if (Character.isSurrogate(c) || Scripts.isHangul(c)) {
            return c;
        }
        if (Character.isDigit(c)) {
            return '0';
        }
        switch (Character.getType(c)) {
            case Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK, Character.FORMAT:
                return 0;
            default:
                break;
        }
        if (!Character.isLetterOrDigit(c)) {
            return SEPARATES;
        }
        String base = Normalizer.normalize(String.valueOf(c), Normalizer.Form.NFD);
        char first = base.charAt(0);
        char lower = Character.toLowerCase(first);
        return Character.isLetterOrDigit(lower) ? lower : Character.toLowerCase(c);
    }

    /** Finds the tokens of a text; what was found before is gone. */
    public void load(String text) {
        count = 0;
        unsegmented = 0;
        int n = text.length();
        long hash = 0;
        boolean open = false;
        boolean digit = false;
        int from = 0;
        for (int i = 0; i < n; i++) {
            char c = text.charAt(i);
            char f = FOLD[c];
            if (f == 0) {
                continue;
            }
            if (f == SEPARATES) {
                if (open) {
                    add(hash, from, i);
                    open = false;
                }
                continue;
            }
            boolean pair = Character.isHighSurrogate(c) && i + 1 < n && Character.isLowSurrogate(text.charAt(i + 1));
            if (c >= 0x0E01 && (pair ? Scripts.isUnsegmented(text.codePointAt(i)) : Scripts.isUnsegmented(c))) {
                if (open) {
                    add(hash, from, i);
                    open = false;
                }
                int at = i;
                long single = f + 1L;
                if (pair) {
                    single = single * UNIT + text.charAt(++i) + 1;
                }
                add(single, at, i + 1);
                unsegmented++;
                continue;
            }
            if (f == '0') {
                if (open && digit) {
                    continue;
                }
                digit = true;
            } else {
                digit = false;
            }
            from = open ? from : i;
            hash = (open ? hash : 0) * UNIT + f + 1;
            open = true;
        }
        if (open) {
            add(hash, from, n);
        }
    }

    private void add(long hash, int start, int end) {
        if (count == hashes.length) {
            hashes = Arrays.copyOf(hashes, count * 2);
            starts = Arrays.copyOf(starts, count * 2);
            ends = Arrays.copyOf(ends, count * 2);
        }
        starts[count] = start;
        ends[count] = end;
        hashes[count++] = mix(hash);
    }

    /** Tokens found. */
    public int count() {
        return count;
    }

    /** Hash of token i. */
    public long hash(int i) {
        return hashes[i];
    }

    /** Where token i starts in the text, in UTF-16 units. */
    public int start(int i) {
        return starts[i];
    }

    /** Where token i ends (exclusive). */
    public int end(int i) {
        return ends[i];
    }

    /** Whether most tokens are characters of scripts without spaces. */
    public boolean isUnsegmented() {
        return 2 * unsegmented > count;
    }

    /** Shingles of characters where most tokens are characters. */
    public int shingleSize(int words, int characters) {
        return isUnsegmented() ? characters : words;
    }

    /** Hash of the tokens from … from + size − 1. */
    public long shingle(int from, int size) {
        long h = size;
        for (int i = from; i < from + size; i++) {
            h = h * TOKEN + hashes[i];
        }
        return mix(h);
    }

    /** A bijection that spreads the bits of a hash. */
    public static long mix(long h) {
        long x = (h ^ h >>> 30) * 0xBF58476D1CE4E5B9L;
        x = (x ^ x >>> 27) * 0x94D049BB133111EBL;
        return x ^ x >>> 31;
    }

    /** Folded form of a unit, for tests: 0 dropped, 1 separating. */
    public static char fold(char c) {
        return FOLD[c];
    }

    /** Two 64-bit hashes over all tokens in order, for equality of folded texts. */
    public long[] digest() {
        long high = count;
        long low = ~(long) count;
        for (int i = 0; i < count; i++) {
            high = mix(high * TOKEN + hashes[i]);
            low = (Long.rotateLeft(low, 29) ^ hashes[i]) * UNIT;
        }
        return new long[] {high, mix(low)};
    }
}
