package org.longhaul.data.read;

/**
 * Something in the input that could not be used, or only after repair.
 *
 * @param file the file, as a URI or path
 * @param position where the fault starts
 * @param kind the class it is counted under
 * @param reason one line without file or position
 */
public record ReadProblem(String file, Position position, Kind kind, String reason) implements ReadResult {

    /** Classes of problems; the name in lower case is the drop reason that reports show. */
    public enum Kind {
        /** The file is gone or may not be read. */
        UNREADABLE_FILE(Effect.FILE_LOST),
        /** The file has no bytes, or its compressed stream has none. */
        EMPTY_FILE(Effect.NOTHING_LOST),
        /** The file ends inside a record or inside its compressed stream: what follows is missing. */
        TRUNCATED_FILE(Effect.FILE_LOST),
        /** The bytes contradict the format or a checksum: the rest of the file is not read. */
        CORRUPT_FILE(Effect.FILE_LOST),
        /** A record is larger than {@code max_record_bytes}. */
        RECORD_TOO_LARGE(Effect.RECORD_LOST),
        /** A line is no JSON object. */
        MALFORMED_JSON(Effect.RECORD_LOST),
        /** A record without the text field, or with an empty or non-text one. */
        NO_TEXT(Effect.RECORD_LOST),
        /** A WARC record that cannot be parsed. */
        MALFORMED_RECORD(Effect.RECORD_LOST),
        /** A WARC response whose HTTP status is not 200. */
        HTTP_STATUS(Effect.RECORD_LOST),
        /** A WARC record that is neither HTML nor plain text. */
        CONTENT_TYPE(Effect.RECORD_LOST),
        /** Ill-formed UTF-8 was replaced by U+FFFD; the record is kept. */
        INVALID_UTF8(Effect.NOTHING_LOST);

        private final Effect effect;

        Kind(Effect effect) {
            this.effect = effect;
        }

        /** What it costs. */
        public Effect effect() {
            return effect;
        }

        /** Name in reports. */
        public String label() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    /** What a problem costs. */
    public enum Effect {
        /** A notice. */
        NOTHING_LOST,
        /** One record is skipped. */
        RECORD_LOST,
        /** The rest of the file, from the position on, is skipped. */
        FILE_LOST
    }

    /** One line: file, position, reason. */
    public String message() {
        return file + ": " + position + ": " + reason;
    }
}
