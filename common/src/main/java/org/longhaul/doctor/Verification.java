package org.longhaul.doctor;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Data that is to be read whole and held against its checksums.
 *
 * @param config a training job's file, whose data sets are meant
 * @param overrides of it
 * @param places folders and URLs of data sets that are meant besides, or instead where there is no job
 * @param threads that read at once
 */
public record Verification(Optional<Path> config, List<String> overrides, List<String> places, int threads) {
    /** Checks that there is something to read. */
    public Verification {
        Objects.requireNonNull(config);
        overrides = List.copyOf(overrides);
        places = List.copyOf(places);
        if (threads < 1) {
            throw new IllegalArgumentException("threads must be at least 1: " + threads);
        }
    }
}
