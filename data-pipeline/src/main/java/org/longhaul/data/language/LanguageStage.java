package org.longhaul.data.language;

import java.util.HashSet;
import java.util.Set;
import org.longhaul.data.Document;
import org.longhaul.data.quality.Verdict;

/** Names the language of each document and drops those that are not wanted. Thread-safe. */
public final class LanguageStage {
    /** Name of the stage. */
    public static final String STAGE = "language";

    private final LanguageSettings settings;
    private final Set<String> keep;
    private final LanguageIdentifier identifier;

    /** The stage with the identifier that the settings ask for. */
    public LanguageStage(LanguageSettings settings) {
        this(settings, ScriptFirstIdentifier.of(settings));
    }

    /** The stage with another identifier. */
    LanguageStage(LanguageSettings settings, LanguageIdentifier identifier) {
        this.settings = settings;
        this.keep = new HashSet<>(settings.keep());
        this.identifier = identifier;
    }

    /**
     * What the stage found.
     *
     * @param verdict whether the document stays; the score is the confidence
     * @param language ISO 639-1 code or the record's own tag; empty when unknown
     */
    public record Outcome(Verdict verdict, String language) {}

    /** Judges one document. */
    public Outcome apply(Document document) {
        String language;
        double confidence;
        if (settings.trustInput() && !document.language().isEmpty()) {
            language = document.language();
            confidence = 1;
        } else {
            LanguageIdentifier.Guess guess = identifier.identify(document.text());
            confidence = guess.confidence();
            language = confidence < settings.minConfidence() ? "" : guess.language();
        }
        if (language.isEmpty()) {
            return new Outcome(
                    settings.keepUnknown()
                            ? new Verdict(true, STAGE, "kept", confidence)
                            : Verdict.drop(STAGE, "unknown_language", confidence),
                    language);
        }
        boolean wanted = keep.isEmpty() || keep.contains(language) || keep.contains(primary(language));
        return new Outcome(
                wanted
                        ? new Verdict(true, STAGE, "kept", confidence)
                        : Verdict.drop(STAGE, "other_language", confidence),
                language);
    }

    /** {@code zh} of {@code zh-Hant} or {@code zh_TW}. */
    static String primary(String tag) {
        int end = 0;
        while (end < tag.length() && tag.charAt(end) != '-' && tag.charAt(end) != '_') {
            end++;
        }
        return tag.substring(0, end).toLowerCase(java.util.Locale.ROOT);
    }
}
