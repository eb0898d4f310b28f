package org.longhaul.train;

import java.nio.file.Path;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;
import org.longhaul.shards.ReadChecks;

/** The shards that a run reads. */
@Doc("The token shards to train on, as longhaul data run leaves them.")
public record DataConfig(
        @Doc("Folder with manifest.json.") Path path,
        @Doc("Split to train on.") @Default("train") String trainSplit,
        @Doc("Split to validate on.") @Default(DataConfig.VALIDATION) String validationSplit,
        @Doc("Number of the data stage; a new one draws another order of samples.") @Default("0") int stage,
        @Doc("Whether a token attends only to tokens of its own document while training.") @Default("false") boolean documentMask,
        @Doc("What happens where ids do not match the checksum that they are held against whenever they are read: end ends the job with status 2 before "
                + "they are trained on, warn tells it once and trains on them, none compares nothing. Data sets without checksums of pages are read without.")
                @Default("end") ReadChecks verify) {
    /** The split that the data pipeline makes for validation. */
    static final String VALIDATION = "validation";
}
