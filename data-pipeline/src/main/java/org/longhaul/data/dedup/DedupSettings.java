package org.longhaul.data.dedup;

import java.io.Serializable;
import java.util.List;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** How duplicates are found and which copy stays. */
@Doc("Exact and near-duplicate removal across all inputs.")
public record DedupSettings(
        @Doc("Remove documents with equal text.") @Default("true") boolean exact,
        @Doc("What equal means: raw (every character) or folded (case, white space and punctuation ignored).")
                @Default("raw")
                ExactForm exactForm,
        @Doc("Remove near-duplicates by MinHash and banding.") @Default("true") boolean near,
        @Doc("MinHash settings.") MinHashSettings minhash,
        @Doc("Least share of common shingles for two documents of one band bucket to be duplicates; 0 trusts the bands.")
                @Default("0.0")
                double verifySimilarity,
        @Doc("Sources whose copy is kept first, best first; others follow in the order of their ids.") @Default("[]")
                List<String> sourcePriority)
        implements Serializable {

    /** Equality of texts. */
    public enum ExactForm {
        /** Same characters. */
        RAW,
        /** Same letters and digits after folding of case and marks. */
        FOLDED
    }

    /** Checks ranges. */
    public DedupSettings {
        if (!(verifySimilarity >= 0 && verifySimilarity <= 1)) {
            throw new IllegalArgumentException("verify_similarity must be between 0 and 1: " + verifySimilarity);
        }
        sourcePriority = List.copyOf(sourcePriority);
    }

    /** The defaults. */
    public static DedupSettings defaults() {
        return new DedupSettings(true, ExactForm.RAW, true, MinHashSettings.defaults(), 0, List.of());
    }
}
