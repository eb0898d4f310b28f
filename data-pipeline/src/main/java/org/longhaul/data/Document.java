package org.longhaul.data;

import java.io.Serializable;
import java.util.Objects;

/**
 * One document on its way to the shards.
 *
 * @param id identity of the raw record; rewriting the text does not change it
 * @param source name of the input it came from; remix weights and rule sets are chosen by it
 * @param language ISO 639-1 code or the tag that the input gave; empty when unknown
 * @param url where it was fetched; empty when unknown
 * @param text the text as it stands after the last stage
 */
public record Document(
        DocumentId id, String source, String language, String url, String text)
        implements Serializable {
    /** Refuses nulls; unknown strings are empty. */
    public Document {
        Objects.requireNonNull(id);
        Objects.requireNonNull(source);
        Objects.requireNonNull(language);
        Objects.requireNonNull(url);
        Objects.requireNonNull(text);
    }

    /** The same document with another text. */
    public Document withText(String newText) {
        return new Document(id, source, language, url, newText);
    }

    /** The same document with another language. */
    public Document withLanguage(String newLanguage) {
        return new Document(id, source, newLanguage, url, text);
    }
}
