package org.longhaul.shards;

import java.nio.file.Path;
import java.util.List;
import org.longhaul.error.UserError;

/** The documents of one shard as mapped memory: where each lies among the tokens, its id, source and language. */
final class DocumentTable {
    private final ArrowMap map;
    private final List<String> sources;
    private final List<String> languages;
    private long tokens;

    /**
     * Maps a {@code .documents.arrow} file.
     *
     * @param guard that what is read is held against; null checks nothing
     * @throws org.longhaul.error.UserError naming the file when it is missing, cut or of other columns
     */
    DocumentTable(Path file, PageGuard guard) {
        map = new ArrowMap(file, Schemas.documents(), Schemas.DOCUMENT_WIDTHS, guard);
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
        return name(sources, Schemas.SOURCE, document);
    }

    /** Language code of a document. */
    String language(long document) {
        return name(languages, Schemas.LANGUAGE, document);
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
        if (position < start(low) || position >= start(low) + length(low)) {
            throw damaged(low);
        }
        return low;
    }

    /**
     * Where a document ends, which must start where the one before it ended and end where the next one starts: documents tile the shard, so
     * that a damaged place or length shows at once.
     *
     * @throws UserError (exit 2) naming file and document
     */
    long end(long document, long start) {
        if (document >= documents() || start(document) != start || length(document) < 0) {
            throw damaged(document);
        }
        long end = start + length(document);
        if (end != (document + 1 < documents() ? start(document + 1) : tokens)) {
            throw damaged(document + 1);
        }
        return end;
    }

    /** Throws UserError when first and last document do not begin and end as a shard of so many tokens does. */
    void requireTiles(long ofShard) {
        tokens = ofShard;
        long last = documents() - 1;
        // At every start, for every shard: checksums would cost a reading of their file each.
        if (last < 0 ? tokens != 0 : raw(Schemas.START, 0) != 0 || raw(Schemas.START, last) + raw(Schemas.LENGTH, last) != tokens) {
            throw UserError.badInput(map.file() + ": its documents do not cover the " + tokens + " tokens of its shard: the file is damaged or another shard's; "
                    + "copy it again");
        }
    }

    private long raw(int column, long document) {
        return map.bytes().getLong(map.place(column, document));
    }

    private UserError damaged(long document) {
        return UserError.badInput(map.file() + ": document " + document + " does not begin where the one before it ends: the file is damaged; copy it again "
                + "(`longhaul doctor CONFIG --verify` names all damage)");
    }

    private String name(List<String> names, int column, long document) {
        int index = map.bytes().getInt(map.at(column, document));
        if (index < 0 || index >= names.size()) {
            throw UserError.badInput(map.file() + ": document " + document + " names entry " + index + " of a dictionary of " + names.size()
                    + ": the file is damaged; copy it again");
        }
        return names.get(index);
    }
}
