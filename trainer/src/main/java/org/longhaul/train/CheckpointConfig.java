package org.longhaul.train;

import java.util.Optional;
import org.longhaul.checkpoint.Retention;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** Where checkpoints go and how a run starts. */
@Doc("Where checkpoints go, when they are saved, and how a run starts.")
public record CheckpointConfig(
        @Doc("Folder or URL (file, hdfs, s3a); by default checkpoints under output.") @Default("null") Optional<String> path,
        @Doc("auto goes on from the newest complete checkpoint if there is one; always demands one; never demands that there is none.")
                @Default("auto") Resume resume,
        @Doc("A checkpoint folder whose weights to start from, with a fresh optimizer, step 0 and data order.") @Default("null")
                Optional<String> initFrom,
        @Doc("A checkpoint folder of another run to go on from with its weights, optimizer, step and data order: another length or decay of "
                        + "the schedule, or with a higher data.stage another mixture. One trunk, many decays.") @Default("null")
                Optional<String> branchFrom,
        @Doc("Whether a run that starts anew saves its initial weights as step 0.") @Default("false") boolean saveInitial,
        @Doc("When to save and what to keep.") Retention retention) {
    /** Checks that there is one start. */
    public CheckpointConfig {
        if (initFrom.isPresent() && branchFrom.isPresent()) {
            throw new IllegalArgumentException("init_from must be left out where branch_from is given: " + initFrom.get());
        }
    }

    /** What to do about checkpoints that are there. */
    public enum Resume {
        /** Resume if there is one. */
        AUTO,
        /** Fail if there is none. */
        ALWAYS,
        /** Fail if there is one. */
        NEVER
    }
}
