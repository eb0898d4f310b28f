package org.longhaul.data.text;

import java.io.Serializable;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** How text is repaired before anything judges it. */
@Doc("Unicode repair and normalisation of text.")
public record TextSettings(
        @Doc("Unicode normalisation: none, nfc or nfkc. CJK compatibility ideographs are kept under nfc.")
                @Default("nfc")
                UnicodeForm unicodeForm,
        @Doc("Undo UTF-8 that was read as Windows-1252, where a whole line shows it.") @Default("true")
                boolean repairMojibake,
        @Doc("Decode left-over HTML entities in texts without HTML tags.") @Default("true") boolean decodeEntities,
        @Doc("Remove spaces and tabs at line ends.") @Default("true") boolean trimLineEnds,
        @Doc("Blank lines kept in a row; further ones are removed.") @Default("2") int maxBlankLines)
        implements Serializable {

    /** Unicode normalisation forms. */
    public enum UnicodeForm {
        /** Leave composition alone. */
        NONE,
        /** Canonical composition. */
        NFC,
        /** Compatibility composition: also folds full-width forms, ligatures and superscripts; loses distinctions. */
        NFKC
    }

    /** Checks ranges. */
    public TextSettings {
        if (maxBlankLines < 0) {
            throw new IllegalArgumentException("max_blank_lines must not be negative: " + maxBlankLines);
        }
    }

    /** The defaults. */
    public static TextSettings defaults() {
        return new TextSettings(UnicodeForm.NFC, true, true, true, 2);
    }
}
