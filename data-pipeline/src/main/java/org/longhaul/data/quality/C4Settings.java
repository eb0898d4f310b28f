package org.longhaul.data.quality;

import java.io.Serializable;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** Rules of {@link C4Lines}. */
@Doc("C4 line rules (Raffel et al. 2020) as FineWeb's pipeline runs them; they remove lines and so rewrite the text.")
public record C4Settings(
        @Doc("Whether the stage runs.") @Default("true") boolean enabled,
        @Doc("Drop lines that do not end with a terminal mark; FineWeb v1 left this off.") @Default("false")
                boolean requireTerminalMark,
        @Doc("Which characters end a sentence: latin (the five of C4) or unicode.") @Default("unicode")
                TerminalMarks terminalMarks,
        @Doc("Longest word of a line, in characters; longer ones drop the line. 0 turns the rule off.")
                @Default("1000")
                int maxWordCharacters,
        @Doc("Fewest words of a line.") @Default("3") int minWordsPerLine,
        @Doc("Fewest sentences of a document.") @Default("5") int minSentences,
        @Doc("Delete [1], [edit] and [citation needed].") @Default("true") boolean removeCitations,
        @Doc("Drop lines that speak of javascript.") @Default("true") boolean dropJavascriptLines,
        @Doc("Drop documents with a curly bracket.") @Default("true") boolean dropCurlyBrackets,
        @Doc("Drop documents with lorem ipsum.") @Default("true") boolean dropLoremIpsum,
        @Doc("Drop lines about terms of use, privacy and cookies.") @Default("true") boolean dropPolicyLines)
        implements Serializable {

    /** Checks ranges. */
    public C4Settings {
        if (minWordsPerLine < 0 || minSentences < 0 || maxWordCharacters < 0) {
            throw new IllegalArgumentException("min_words_per_line, min_sentences and max_word_characters must not be "
                    + "negative: " + minWordsPerLine + ", " + minSentences + ", " + maxWordCharacters);
        }
    }

    /** The defaults. */
    public static C4Settings defaults() {
        return new C4Settings(true, false, TerminalMarks.UNICODE, 1000, 3, 5, true, true, true, true, true);
    }
}
