package org.longhaul.train;

import java.nio.file.Path;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** The shards that a run reads. */
@Doc("The token shards to train on, as longhaul data run leaves them.")
public record DataConfig(
        @Doc("Folder with manifest.json.") Path path,
        @Doc("Split to train on.") @Default("train") String trainSplit,
        @Doc("Split to validate on.") @Default(DataConfig.VALIDATION) String validationSplit,
        @Doc("Number of the data stage; a new one draws another order of samples.") @Default("0") int stage,
        @Doc("Whether a token attends only to tokens of its own document while training.") @Default("false") boolean documentMask,
        @Doc("Whether ids are held against their checksums whenever they are read, so that a damaged file ends the job with status 2 before its ids are "
                + "trained on. Data sets without checksums of pages are read without.") @Default("true") boolean verify) {
    /** The split that the data pipeline makes for validation. */
    static final String VALIDATION = "validation";
}
