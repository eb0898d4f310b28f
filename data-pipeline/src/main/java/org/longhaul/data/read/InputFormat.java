package org.longhaul.data.read;

import java.util.Locale;

/** Formats told by file name, after the compression suffix is taken off. */
public enum InputFormat {
    /** One JSON object a line. */
    JSONL,
    /** WARC with HTTP responses. */
    WARC,
    /** WARC with extracted text. */
    WET,
    /** Read by Spark. */
    PARQUET,
    /** One document a file. */
    TEXT,
    /** None of these: such files are not read. */
    UNKNOWN;

    /** Compressions told by file name. */
    public enum Compression {
        /** Stored as is. */
        NONE,
        /** RFC 1952, any number of members. */
        GZIP,
        /** Zstandard, any number of frames. */
        ZSTD,
        /** Bzip2, any number of streams. */
        BZIP2
    }

    /** Compression by suffix. */
    public static Compression compressionOf(String fileName) {
        String name = fileName.toLowerCase(Locale.ROOT);
        if (name.endsWith(".gz")) {
            return Compression.GZIP;
        }
        if (name.endsWith(".zst") || name.endsWith(".zstd")) {
            return Compression.ZSTD;
        }
        return name.endsWith(".bz2") ? Compression.BZIP2 : Compression.NONE;
    }

    /** Format by suffix. */
    public static InputFormat of(String fileName) {
        String name = fileName.toLowerCase(Locale.ROOT).replaceFirst("\\.(gz|zst|zstd|bz2)$", "");
        if (name.endsWith(".jsonl") || name.endsWith(".json") || name.endsWith(".ndjson")) {
            return JSONL;
        }
        if (name.endsWith(".wet")) {
            return WET;
        }
        if (name.endsWith(".warc")) {
            return WARC;
        }
        if (name.endsWith(".parquet")) {
            return PARQUET;
        }
        return name.endsWith(".txt") ? TEXT : UNKNOWN;
    }
}
