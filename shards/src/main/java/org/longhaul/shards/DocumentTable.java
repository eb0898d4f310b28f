package org.longhaul.shards;

import java.nio.file.Path;
import java.util.List;

/** The documents of one shard as mapped memory: where each lies among the tokens, its id, source and language. */
final class DocumentTable {
    private final ArrowMap map;
    private final List<String> sources;
    private final List<String> languages;

    /**
     * Maps a {@code .documents.arrow} file.
     *
     * @throws org.longhaul.error.UserError naming the file when it is missing, cut or of other columns
     */
    DocumentTable(Path file) {
        map = new ArrowMap(file, Schemas.documents(), Schemas.DOCUMENT_WIDTHS);
        sources = map.dictionary(0);
        languages = map.dictionary(1);
    }

    /** Number of documents. */
    long documents() {
        return map.rows();
    }

    /** Position in the shard of a document's first token. */
    long start(long document) {
        return map.bytes().getLong(map.at(Schemas.START, document));
    }

    /** Tokens of a document, its end-of-document token included. */
    long length(long document) {
        return map.bytes().getLong(map.at(Schemas.LENGTH, document));
    }

    /** First 64 bits of a document's id. */
    long idHigh(long document) {
        return Long.reverseBytes(map.bytes().getLong(map.at(Schemas.ID, document)));
    }

    /** Last 64 bits of a document's id. */
    long idLow(long document) {
        return Long.reverseBytes(map.bytes().getLong(map.at(Schemas.ID, document) + 8));
    }

    /** A document's id as 32 hexadecimal digits. */
    String id(long document) {
        return String.format("%016x%016x", idHigh(document), idLow(document));
    }

    /** Length of a document's text in UTF-8 bytes. */
    long textBytes(long document) {
        return map.bytes().getLong(map.at(Schemas.TEXT_BYTES, document));
    }

    /** The source that a document came from. */
    String source(long document) {
        return sources.get(map.bytes().getInt(map.at(Schemas.SOURCE, document)));
    }

    /** Language code of a document. */
    String language(long document) {
        return languages.get(map.bytes().getInt(map.at(Schemas.LANGUAGE, document)));
    }

    /** The document that holds a token position of the shard. */
    long documentAt(long position) {
        long low = 0;
        long high = documents() - 1;
        while (low < high) {
            long middle = (low + high + 1) >>> 1;
            if (start(middle) <= position) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }
}
