package org.longhaul.data.language;

import java.io.Serializable;
import java.util.List;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** How the language of a document is found and which languages stay. */
@Doc("Language identification.")
public record LanguageSettings(
        @Doc("Whether the stage runs.") @Default("true") boolean enabled,
        @Doc("Take the tag that a record carries and do not look at its text.") @Default("true") boolean trustInput,
        @Doc("Languages to keep, as ISO 639-1 codes; empty keeps all.") @Default("[]") List<String> keep,
        @Doc("Languages that the detector chooses among, as ISO 639-1 codes; empty: all it knows. Fewer are faster and surer.")
                @Default("[]")
                List<String> candidates,
        @Doc("Letters of the text that are looked at.") @Default("1000") int sampleCharacters,
        @Doc("Least confidence, between 0 and 1: the margin over the next language. Below it the language is unknown.")
                @Default("0.01")
                double minConfidence,
        @Doc("Whether documents of unknown language stay.") @Default("true") boolean keepUnknown)
        implements Serializable {

    /** Checks ranges. */
    public LanguageSettings {
        if (sampleCharacters < 20) {
            throw new IllegalArgumentException("sample_characters must be at least 20: " + sampleCharacters);
        }
        if (!(minConfidence >= 0 && minConfidence <= 1)) {
            throw new IllegalArgumentException("min_confidence must be between 0 and 1: " + minConfidence);
        }
        keep = List.copyOf(keep);
        candidates = List.copyOf(candidates);
    }

    /** The defaults. */
    public static LanguageSettings defaults() {
        return new LanguageSettings(true, true, List.of(), List.of(), 1000, 0.01, true);
    }
}
