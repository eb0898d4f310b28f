package org.longhaul.shards;

import java.util.List;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.DictionaryEncoding;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.apache.arrow.vector.types.pojo.Schema;

/** The Arrow columns of the files of a shard. */
final class Schemas {
    static final long SOURCES = 1;
    static final long LANGUAGES = 2;

    /** Columns of the document file, in order. */
    static final int START = 0;

    static final int LENGTH = 1;
    static final int ID = 2;
    static final int TEXT_BYTES = 3;
    static final int SOURCE = 4;
    static final int LANGUAGE = 5;
    static final int[] DOCUMENT_WIDTHS = {8, 8, 16, 8, 4, 4};

    private Schemas() {}

    static Schema tokens(TokenType type) {
        return new Schema(List.of(field("token", new ArrowType.Int(8 * type.bytes(), false), null)));
    }

    static Schema pageSums() {
        return new Schema(List.of(field("crc32c", new ArrowType.Int(32, false), null)));
    }

    static Schema documents() {
        ArrowType int64 = new ArrowType.Int(64, true);
        return new Schema(List.of(
                field("start", int64, null),
                field("length", int64, null),
                field("id", new ArrowType.FixedSizeBinary(16), null),
                field("text_bytes", int64, null),
                field("source", ArrowType.Utf8.INSTANCE, dictionary(SOURCES)),
                field("language", ArrowType.Utf8.INSTANCE, dictionary(LANGUAGES))));
    }

    private static DictionaryEncoding dictionary(long id) {
        return new DictionaryEncoding(id, false, new ArrowType.Int(32, true));
    }

    private static Field field(String name, ArrowType type, DictionaryEncoding dictionary) {
        return new Field(name, new FieldType(false, type, dictionary), List.of());
    }
}
