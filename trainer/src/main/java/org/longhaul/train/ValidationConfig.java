package org.longhaul.train;

import java.nio.file.Path;
import java.util.Optional;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** When the validation split is measured. */
@Doc("When and how much of the validation split is measured: loss in nats a token, and bits a byte of its text.")
public record ValidationConfig(
        @Doc("Steps between validations; 0 validates only at the end.") @Default("0") long every,
        @Doc("Tokens read at most; 0 reads the whole split.") @Default("0") long tokens,
        @Doc("Folder of a data set whose data.validation_split is measured in place of that of data.path, so that losses stay comparable when the mixture changes; "
                + "made with the same tokenizer.") Optional<Path> path) {
    /** Checks the ranges. */
    public ValidationConfig {
        if (every < 0 || tokens < 0) {
            throw new IllegalArgumentException("every and tokens must not be negative: " + every + ", " + tokens);
        }
    }
}
