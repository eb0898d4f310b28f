package org.longhaul.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.longhaul.error.UserError;

/**
 * Where the data set of a checkpoint lies, from whatever folder one asks: a configuration may name it relative to the folder that training was
 * started in, and the run may have moved since, alone or together with its data.
 */
public final class DataPlace {
    private static final String KEY = "data_folder";

    private DataPlace() {}

    /** Keeps in a checkpoint's state where the data lies as it is saved. A start from there does not ask for it. */
    public static ObjectNode keep(ObjectNode state, Path data) {
        return state.put(KEY, data.toAbsolutePath().normalize().toString());
    }

    /** The folders to look in for the data set that a checkpoint's configuration calls {@code named}, the likeliest first. */
    public static List<Path> candidates(Checkpoint checkpoint, Path named) {
        return candidates(checkpoint.meta(), checkpoint.path(), named);
    }

    /** The same for what a checkpoint in {@code folder} says of itself. */
    public static List<Path> candidates(CheckpointMeta meta, String folder, Path named) {
        String kept = meta.state() == null ? "" : meta.state().path(KEY).asText("");
        return candidates(named, kept.isEmpty() ? Optional.empty() : Optional.of(Path.of(kept)), local(folder));
    }

    /** The same for a data set beside the one trained on, whose place a checkpoint in {@code folder} does not keep. */
    public static List<Path> candidates(String folder, Path named) {
        return candidates(named, Optional.empty(), local(folder));
    }

    /** The same for a run's folder, and what is known of where its data lay. */
    public static List<Path> candidates(Path named, Optional<Path> kept, Optional<Path> run) {
        Set<Path> places = new LinkedHashSet<>();
        kept.ifPresent(places::add);
        places.add(named.toAbsolutePath().normalize());
        if (!named.isAbsolute()) {
            for (Path at = run.map(r -> r.toAbsolutePath().normalize()).orElse(null); at != null; at = at.getParent()) {
                places.add(at.resolve(named).normalize());
            }
        }
        return List.copyOf(places);
    }

    /** The first of the folders that has a file; throws UserError (exit 2) naming all of them and the option to name one with. */
    public static Path having(String file, List<Path> places, Path named, String whose, String option) {
        return places.stream().filter(place -> Files.exists(place.resolve(file))).findFirst().orElseThrow(() -> UserError.badInput(
                whose + ": its data set " + named + " is not found, tried " + places.stream().map(p -> p.resolve(file).toString()).collect(Collectors.joining(", "))
                        + "; name it with " + option));
    }

    private static Optional<Path> local(String folder) {
        if (folder.startsWith("file:")) {
            return Optional.of(Path.of(URI.create(folder).getPath()));
        }
        return folder.matches("[a-z0-9]+://.*") ? Optional.empty() : Optional.of(Path.of(folder));
    }
}
