package org.longhaul.data.read;

import java.io.Serializable;

/**
 * A place in an input file.
 *
 * @param offset byte offset: in the decompressed stream for JSONL, in the file as stored for WARC (where a record can be
 *     sought directly); row number for Parquet
 * @param line 1-based line number, 0 where the format has no lines
 */
public record Position(long offset, long line) implements Serializable {
    static final Position START = new Position(0, 0);

    @Override
    public String toString() {
        return line > 0 ? "line " + line + ", byte " + offset : "byte " + offset;
    }
}
