package org.longhaul.data.language;

/** Finds the language of a text. Implementations are thread-safe and deterministic. */
interface LanguageIdentifier {
    /** The guess for one text. */
    Guess identify(String text);

    /**
     * A guess.
     *
     * @param language ISO 639-1 code, empty when unknown
     * @param confidence between 0 and 1
     */
    record Guess(String language, double confidence) {
        /** No letters, or letters of no known language. */
        static final Guess UNKNOWN = new Guess("", 0);
    }
}
