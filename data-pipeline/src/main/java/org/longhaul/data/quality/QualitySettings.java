package org.longhaul.data.quality;

import java.io.Serializable;
import org.longhaul.config.Doc;

/** One set of quality rules; sources may have different ones. */
@Doc("One set of quality rules. The stages run in the order gopher_repetition, gopher_quality, c4, fineweb.")
public record QualitySettings(
        @Doc("Repetition rules.") GopherRepetitionSettings gopherRepetition,
        @Doc("Document rules.") GopherQualitySettings gopherQuality,
        @Doc("Line rules.") C4Settings c4,
        @Doc("Rules on the shape of lines.") FineWebSettings fineweb)
        implements Serializable {

    /** The defaults: every stage runs. */
    public static QualitySettings defaults() {
        return new QualitySettings(
                GopherRepetitionSettings.defaults(),
                GopherQualitySettings.defaults(),
                C4Settings.defaults(),
                FineWebSettings.defaults());
    }
}
