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
        @Doc("When to save and what to keep.") Retention retention) {
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
