package org.longhaul.data.quality;

import java.io.Serializable;

/**
 * What one stage decided about one document.
 *
 * @param keep whether the document goes on
 * @param stage the stage that decided, for instance {@code gopher_quality}
 * @param reason why it was dropped, a fixed word for counting; {@code kept} when it goes on
 * @param score the number that was compared with the limit; NaN where there is none
 */
public record Verdict(boolean keep, String stage, String reason, double score) implements Serializable {
    /** The document passes the stage. */
    public static Verdict keep(String stage) {
        return new Verdict(true, stage, "kept", Double.NaN);
    }

    /** The document is dropped. */
    public static Verdict drop(String stage, String reason, double score) {
        return new Verdict(false, stage, reason, score);
    }
}
