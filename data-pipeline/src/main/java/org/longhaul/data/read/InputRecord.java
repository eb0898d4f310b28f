package org.longhaul.data.read;

import java.io.Serializable;
import org.longhaul.data.Document;
import org.longhaul.data.DocumentId;

/**
 * One raw record of an input file.
 *
 * @param file the file, as a URI or path
 * @param position where the record starts
 * @param recordId the id that the record carries; else file name and position, which are unique inside the input
 * @param source name of the input, or the record's own source field when the configuration says so
 * @param language tag that the record carries, empty when none
 * @param url address, empty when none
 * @param body text, or an HTML page that still needs extraction
 * @param repairs ill-formed byte sequences or lone surrogates that were replaced by U+FFFD
 */
public record InputRecord(
        String file,
        Position position,
        String recordId,
        String source,
        String language,
        String url,
        Body body,
        int repairs)
        implements ReadResult {

    /** What the record holds. */
    public sealed interface Body extends Serializable permits Text, Html {}

    /** Plain text. */
    public record Text(String text) implements Body {}

    /**
     * A web page as it was served.
     *
     * @param bytes the decoded HTTP body
     * @param contentType the HTTP header, empty when there was none
     */
    public record Html(byte[] bytes, String contentType) implements Body {}

    /** Identity of this record. */
    public DocumentId id() {
        if (body instanceof Html html) {
            return DocumentId.of(source, recordId, html.bytes());
        }
        return DocumentId.of(source, recordId, ((Text) body).text());
    }

    /** The document that this record becomes with the given text. */
    public Document toDocument(String text) {
        return new Document(id(), source, language, url, text);
    }
}
