package org.longhaul.data.extract;

import java.util.Optional;
import org.longhaul.data.Document;
import org.longhaul.data.quality.Verdict;
import org.longhaul.data.read.InputRecord;
import org.longhaul.data.text.TextNormalizer;
import org.longhaul.data.text.TextSettings;

/** Turns raw records into documents: main text of pages, repaired and normalised text. Thread-safe. */
public final class DocumentSource {
    /** Name of the stage. */
    public static final String STAGE = "extract";

    private final HtmlSettings html;
    private final HtmlExtractor extractor;
    private final TextNormalizer normalizer;

    /** With the given settings. */
    public DocumentSource(HtmlSettings html, TextSettings text) {
        this.html = html;
        this.extractor = new HtmlExtractor(html);
        this.normalizer = new TextNormalizer(text);
    }

    /**
     * What a record became.
     *
     * @param verdict whether there is a document
     * @param document present when the verdict keeps it
     * @param normalized what normalisation changed
     */
    public record Outcome(Verdict verdict, Optional<Document> document, TextNormalizer.Normalized normalized) {}

    /** Converts one record. */
    public Outcome toDocument(InputRecord record) {
        if (record.body() instanceof InputRecord.Html page) {
            HtmlExtractor.Page found = extractor.extract(page.bytes(), page.contentType());
            TextNormalizer.Normalized text = normalizer.normalize(found.text());
            boolean enough = text.text().length() >= Math.max(1, html.minCharacters());
            return outcome(record, text, enough ? null : "no_main_text");
        }
        TextNormalizer.Normalized text = normalizer.normalize(((InputRecord.Text) record.body()).text());
        return outcome(record, text, text.text().isEmpty() ? "empty" : null);
    }

    private static Outcome outcome(InputRecord record, TextNormalizer.Normalized text, String fault) {
        return fault == null
                ? new Outcome(Verdict.keep(STAGE), Optional.of(record.toDocument(text.text())), text)
                : new Outcome(Verdict.drop(STAGE, fault, text.text().length()), Optional.empty(), text);
    }
}
