package org.longhaul.data.quality;

import java.io.Serializable;
import java.util.List;
import java.util.Map;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** Limits of {@link GopherQuality}. */
@Doc("Gopher quality rules (Rae et al. 2021, table A1) with the arithmetic of FineWeb's pipeline.")
public record GopherQualitySettings(
        @Doc("Whether the stage runs.") @Default("true") boolean enabled,
        @Doc("Fewest words that are not punctuation.") @Default("50") int minWords,
        @Doc("Most words that are not punctuation.") @Default("100000") int maxWords,
        @Doc("Fewest words where the script has no spaces and a character counts as a word.") @Default("75")
                int unsegmentedMinWords,
        @Doc("Least mean length of words, in characters.") @Default("3") double minMeanWordLength,
        @Doc("Greatest mean length of words, in characters.") @Default("10") double maxMeanWordLength,
        @Doc("Most hash signs, and most ellipses, per token.") @Default("0.1") double maxSymbolRatio,
        @Doc("Greatest share of lines that start with a bullet.") @Default("0.9") double maxBulletLines,
        @Doc("Greatest share of lines that end with an ellipsis.") @Default("0.3") double maxEllipsisLines,
        @Doc("Least share of tokens with a letter.") @Default("0.8") double minAlphabeticWords,
        @Doc("Fewest different stop words; 0 turns the rule off.") @Default("2") int minStopWords,
        @Doc("Stop words by language; a language without an entry has no such rule, an unknown one uses en.")
                @Default("{en: [the, be, to, of, and, that, have, with]}")
                Map<String, List<String>> stopWords)
        implements Serializable {

    /** Checks ranges. */
    public GopherQualitySettings {
        if (minWords < 0 || maxWords < minWords) {
            throw new IllegalArgumentException("max_words must be at least min_words: " + maxWords);
        }
        if (maxMeanWordLength < minMeanWordLength) {
            throw new IllegalArgumentException(
                    "max_mean_word_length must be at least min_mean_word_length: " + maxMeanWordLength);
        }
        stopWords = Map.copyOf(stopWords);
    }

    /** The defaults. */
    public static GopherQualitySettings defaults() {
        return new GopherQualitySettings(true, 50, 100_000, 75, 3, 10, 0.1, 0.9, 0.3, 0.8, 2,
                Map.of("en", List.of("the", "be", "to", "of", "and", "that", "have", "with")));
    }
}
