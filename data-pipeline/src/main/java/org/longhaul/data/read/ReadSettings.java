package org.longhaul.data.read;

import java.io.Serializable;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** How records are read from files. */
@Doc("How records are read from files: field names, limits.")
public record ReadSettings(
        @Doc("Field of a JSON or Parquet record that holds the text; dots reach into nested objects.") @Default("text")
                String textField,
        @Doc("Field with the record's own id; where it is missing, file name and position serve.") @Default("id")
                String idField,
        @Doc("Field with the address.") @Default("url") String urlField,
        @Doc("Field with the language tag.") @Default("lang") String languageField,
        @Doc("Field whose value replaces the input's name as source; empty: the input's name is the source.")
                @Default("")
                String sourceField,
        @Doc("Longest line or WARC record in bytes, decompressed; longer ones are skipped and reported.")
                @Default("33554432")
                int maxRecordBytes)
        implements Serializable {

    /** Checks ranges. */
    public ReadSettings {
        if (textField.isBlank()) {
            throw new IllegalArgumentException("text_field must not be empty");
        }
        if (maxRecordBytes < 1024 || maxRecordBytes > 1 << 29) {
            throw new IllegalArgumentException(
                    "max_record_bytes must be between 1024 and 536870912: " + maxRecordBytes);
        }
    }

    /** The defaults. */
    public static ReadSettings defaults() {
        return new ReadSettings("text", "id", "url", "lang", "", 1 << 25);
    }
}
