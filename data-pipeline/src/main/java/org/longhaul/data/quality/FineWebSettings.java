package org.longhaul.data.quality;

import java.io.Serializable;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** Limits of {@link FineWebFilter}. */
@Doc("The three custom rules of FineWeb and its list rule.")
public record FineWebSettings(
        @Doc("Whether the stage runs.") @Default("true") boolean enabled,
        @Doc("Which characters end a sentence: latin (the five of FineWeb v1) or unicode.") @Default("unicode")
                TerminalMarks terminalMarks,
        @Doc("Least share of lines that end with a terminal mark.") @Default("0.12") double minPunctuatedLines,
        @Doc("Characters up to which a line is short.") @Default("30") int shortLineCharacters,
        @Doc("The same where the script has no spaces.") @Default("10") int unsegmentedShortLineCharacters,
        @Doc("Greatest share of short lines.") @Default("0.67") double maxShortLines,
        @Doc("Greatest share of characters in repeated lines.") @Default("0.01") double maxDuplicateLineCharacters,
        @Doc("Most line ends per word token.") @Default("0.3") double maxNewlinesPerWord)
        implements Serializable {

    /** The defaults. */
    public static FineWebSettings defaults() {
        return new FineWebSettings(true, TerminalMarks.UNICODE, 0.12, 30, 10, 0.67, 0.01, 0.3);
    }
}
