package org.longhaul.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.longhaul.config.ConfigNode.Section;
import org.longhaul.error.UserError;

/**
 * Turns a YAML file and dotted overrides into an immutable record. Everything wrong is reported together, each fault on its line
 * with file, line, key and mend.
 *
 * <p>A file may {@code include:} one file or a list of files, named relative to itself; later ones win over earlier ones, the
 * including file wins over all, overrides win over every file. Scalars are bound from their text, so {@code no} stays text
 * where text is expected and {@code 1e-3} is a number where a number is expected.
 */
public final class ConfigLoader {
    private ConfigLoader() {}

    /**
     * Reads {@code file}, lays the overrides over it and binds the whole to {@code type}, a record or a sealed interface of records.
     *
     * @param overrides {@code a.b.c=value}, where the value is plain text or a YAML flow ({@code [1, 2]}, {@code {k: v}}, a quoted text)
     * @throws UserError with exit status 2 that holds one line for every fault found
     */
    public static <T> T load(Path file, List<String> overrides, Class<T> type) {
        Faults faults = new Faults();
        Layers layers = new Layers(faults);
        Section root = layers.file(file);
        return bind(root, overrides, type, faults, layers);
    }

    /** As {@link #load}, for YAML that is not in a file, such as the configuration kept in a checkpoint; {@code source} names it in messages. */
    public static <T> T parse(String yaml, String source, List<String> overrides, Class<T> type) {
        Faults faults = new Faults();
        Optional<ConfigNode> node = new YamlReader(faults).text(yaml, source);
        faults.throwIfAny();
        if (!(node.orElseThrow() instanceof Section root)) {
            throw UserError.badInput(source + ": must hold 'key: value' lines, found " + node.get().kind());
        }
        return bind(root, overrides, type, faults, new Layers(faults));
    }

    private static <T> T bind(Section root, List<String> overrides, Class<T> type, Faults faults, Layers layers) {
        if (faults.unreadable()) {
            faults.throwIfAny();
        }
        for (String override : overrides) {
            layers.override(root, override);
        }
        Optional<Object> bound = new Binder(faults, type).bind(root, type, "");
        faults.throwIfAny();
        return type.cast(bound.orElseThrow());
    }
}
