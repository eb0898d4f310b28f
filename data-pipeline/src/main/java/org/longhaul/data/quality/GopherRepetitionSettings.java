package org.longhaul.data.quality;

import java.io.Serializable;
import java.util.List;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** Limits of {@link GopherRepetition}. */
@Doc("Gopher repetition rules (Rae et al. 2021, table A1); every limit is exceeded strictly.")
public record GopherRepetitionSettings(
        @Doc("Whether the stage runs.") @Default("true") boolean enabled,
        @Doc("Share of paragraphs that repeat an earlier one.") @Default("0.3") double maxDuplicateParagraphs,
        @Doc("Share of characters in such paragraphs.") @Default("0.2") double maxDuplicateParagraphCharacters,
        @Doc("Share of lines that repeat an earlier one.") @Default("0.3") double maxDuplicateLines,
        @Doc("Share of characters in such lines.") @Default("0.2") double maxDuplicateLineCharacters,
        @Doc("Share of characters in the most frequent 2-, 3- and 4-gram of words.") @Default("[0.2, 0.18, 0.16]")
                List<Double> maxTopNgrams,
        @Doc("Share of characters in repeated 5- to 10-grams of words.")
                @Default("[0.15, 0.14, 0.13, 0.12, 0.11, 0.1]")
                List<Double> maxDuplicateNgrams,
        @Doc("Where the script has no spaces and a character counts as a word, n-grams are this many times longer.")
                @Default("2")
                int unsegmentedNgramFactor)
        implements Serializable {

    /** Checks ranges. */
    public GopherRepetitionSettings {
        maxTopNgrams = List.copyOf(maxTopNgrams);
        maxDuplicateNgrams = List.copyOf(maxDuplicateNgrams);
        if (maxTopNgrams.size() > 3) {
            throw new IllegalArgumentException("max_top_ngrams has limits for 2-, 3- and 4-grams: " + maxTopNgrams);
        }
        if (unsegmentedNgramFactor < 1 || unsegmentedNgramFactor > 4) {
            throw new IllegalArgumentException(
                    "unsegmented_ngram_factor must be between 1 and 4: " + unsegmentedNgramFactor);
        }
    }

    /** The defaults. */
    public static GopherRepetitionSettings defaults() {
        return new GopherRepetitionSettings(
                true, 0.3, 0.2, 0.3, 0.2, List.of(0.2, 0.18, 0.16), List.of(0.15, 0.14, 0.13, 0.12, 0.11, 0.1), 2);
    }
}
