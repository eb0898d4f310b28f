package org.longhaul.data.quality;

import java.util.List;
import org.longhaul.data.text.Words;

/** One text with what several filters need of it, each found once. Not thread-safe. */
final class TextView {
    private final String text;
    private final String language;
    private final int codePoints;
    private Words words;
    private List<String> lines;

    /** A view of a text; the language is an ISO 639-1 code or empty. */
    TextView(String text, String language) {
        this.text = text;
        this.language = language;
        this.codePoints = text.codePointCount(0, text.length());
    }

    /** The text. */
    String text() {
        return text;
    }

    /** Its language, empty when unknown. */
    String language() {
        return language;
    }

    /** Length in code points, the unit of every length below. */
    int codePoints() {
        return codePoints;
    }

    /** Word tokens. */
    Words words() {
        if (words == null) {
            words = Words.of(text);
        }
        return words;
    }

    /** Code points of token i. */
    int wordLength(int i) {
        Words w = words();
        return codePoints == text.length() ? w.length(i) : text.codePointCount(w.start(i), w.end(i));
    }

    /** Lines without their ends, as {@link TextLines#split} cuts them. */
    List<String> lines() {
        if (lines == null) {
            lines = TextLines.split(text);
        }
        return lines;
    }

    /** Whether most letters belong to scripts written without spaces, so that rules about words mean little. */
    boolean isUnsegmented() {
        return words().unsegmentedShare() > 0.5;
    }

    /** Length of a string in code points. */
    static int length(String s) {
        return s.codePointCount(0, s.length());
    }

    /** Non-overlapping occurrences. */
    static int count(String text, String what) {
        int count = 0;
        for (int i = text.indexOf(what); i >= 0; i = text.indexOf(what, i + what.length())) {
            count++;
        }
        return count;
    }
}
