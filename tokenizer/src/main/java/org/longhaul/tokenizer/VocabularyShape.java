package org.longhaul.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** The rules that DeepSeek LLM's vocabulary obeys because its pre-tokenizer keeps character classes apart. */
public final class VocabularyShape {
    private VocabularyShape() {}

    /**
     * Numbers of tokens that break a rule, and some that describe the vocabulary.
     *
     * @param digits tokens of several characters with an ASCII digit
     * @param newlines tokens of several characters with a newline
     * @param latinAndPunctuation tokens that mix ASCII letters with ASCII punctuation
     * @param hanAndOther tokens that mix Han with something outside the CJK range
     * @param han tokens with a Han character
     * @param ascii tokens of ASCII alone
     * @param spaceFirst tokens that start with a space
     * @param longest bytes of the longest token
     * @param firstViolation the first token that breaks a rule, or an empty text
     */
    public record Report(int digits, int newlines, int latinAndPunctuation, int hanAndOther, int han, int ascii, int spaceFirst,
            int longest, String firstViolation) {
        /** Whether no token breaks a rule. */
        public boolean holds() {
            return digits + newlines + latinAndPunctuation + hanAndOther == 0;
        }

        @Override
        public String toString() {
            return String.format(Locale.ROOT, "shape: %d with a digit, %d with a newline, %d mix Latin and punctuation, %d mix Han and others (want 0 each);"
                    + " %,d with Han, %,d ASCII, %,d start with a space, longest %d bytes", digits, newlines, latinAndPunctuation, hanAndOther,
                    han, ascii, spaceFirst, longest);
        }
    }

    /** Looks at every ordinary token. */
    public static Report of(Tokenizer tokenizer) {
        int[] n = new int[8];
        String first = "";
        boolean[] added = tokenizer.model().addedIds();
        for (int id = 0; id < tokenizer.vocabSize(); id++) {
            if (!tokenizer.isToken(id) || added[id]) {
                continue;
            }
            byte[] token = tokenizer.tokenBytes(id);
            String text = new String(token, StandardCharsets.UTF_8);
            boolean several = text.codePointCount(0, text.length()) > 1;
            boolean latin = text.chars().anyMatch(c -> c < 128 && Character.isLetter(c));
            boolean punctuation = text.chars().anyMatch(c -> c > 32 && c < 127 && !Character.isLetterOrDigit(c));
            boolean han = text.codePoints().anyMatch(c -> c >= 0x4E00 && c <= 0x9FA5);
            boolean outside = text.codePoints().anyMatch(c -> c != 0xFFFD && (UnicodeClasses.OF[c] & UnicodeClasses.DEEPSEEK_CJK) == 0);
            boolean[] broken = {several && text.chars().anyMatch(c -> c >= '0' && c <= '9'),
                several && text.chars().anyMatch(c -> c == '\n' || c == '\r'), latin && punctuation, han && outside};
            for (int i = 0; i < broken.length; i++) {
                if (broken[i]) {
                    n[i]++;
                    first = first.isEmpty() ? "token " + id + " \"" + text.replace("\n", "\\n") + "\" mixes character classes" : first;
                }
            }
            n[4] += han ? 1 : 0;
            n[5] += text.chars().allMatch(c -> c < 128) ? 1 : 0;
            n[6] += token[0] == ' ' ? 1 : 0;
            n[7] = Math.max(n[7], token.length);
        }
        return new Report(n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], first);
    }
}
