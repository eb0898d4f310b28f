package org.longhaul.train;

import java.nio.file.Path;
import java.util.List;
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
                @Default("end") ReadChecks verify,
        @Doc("Samples to leave out by hand, smaller steps first. An entry behind a step that the run has passed must have been there when it came by.")
                @Default("[]") List<SkipConfig> skip) {
    /** The split that the data pipeline makes for validation. */
    static final String VALIDATION = "validation";

    /** Checks what concerns several keys. */
    public DataConfig {
        for (int i = 1; i < skip.size(); i++) {
            if (skip.get(i).behindStep() <= skip.get(i - 1).behindStep()) {
                throw new IllegalArgumentException("skip must name each behind_step once, smaller ones first: " + skip.get(i).behindStep() + " after "
                        + skip.get(i - 1).behindStep());
            }
        }
    }

    /** The same data with none left out. */
    DataConfig whole() {
        return new DataConfig(path, trainSplit, validationSplit, stage, documentMask, verify, List.of());
    }

    /** Samples to leave out behind a step, 0 for none. */
    long skipped(long step) {
        return skip.stream().filter(s -> s.behindStep() == step).mapToLong(SkipConfig::samples).sum();
    }
}
