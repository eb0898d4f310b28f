package org.longhaul.config;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.longhaul.config.ConfigNode.Entry;
import org.longhaul.config.ConfigNode.Items;
import org.longhaul.config.ConfigNode.Position;
import org.longhaul.config.ConfigNode.Section;
import org.longhaul.config.ConfigNode.Text;

/** Lays a file over the files that it includes, and the overrides of the command line over both. */
final class Layers {
    static final String INCLUDE = "include";
    private static final String TYPE = "type";
    private static final String COMMAND_LINE = "command line";

    private final Faults faults;
    private final YamlReader reader;
    private final Deque<Path> open = new ArrayDeque<>();

    Layers(Faults faults) {
        this.faults = faults;
        this.reader = new YamlReader(faults);
    }

    /** The file with its includes merged below it. */
    Section file(Path file) {
        Path identity = file.toAbsolutePath().normalize();
        open.push(identity);
        try {
            Section own = reader.file(file).orElseGet(() -> Section.empty(new Position(file.toString(), 0)));
            Entry include = own.entries().remove(INCLUDE);
            if (include == null) {
                return own;
            }
            Section merged = Section.empty(own.at());
            for (Text included : includeTexts(include)) {
                Path target = (file.getParent() == null ? Path.of("") : file.getParent()).resolve(included.value()).normalize();
                if (open.contains(target.toAbsolutePath().normalize())) {
                    faults.addUnreadable(included.at(), INCLUDE, "'" + included.value() + "' includes itself in a circle; remove one of the includes");
                } else if (!target.toFile().isFile()) {
                    faults.addUnreadable(included.at(), INCLUDE, "no such file: " + target + Nearby.hint(target));
                } else {
                    merged = merge(merged, file(target));
                }
            }
            return merge(merged, own);
        } finally {
            open.pop();
        }
    }

    private List<Text> includeTexts(Entry include) {
        List<ConfigNode> nodes = include.value() instanceof Items items ? items.values() : List.of(include.value());
        List<Text> texts = new ArrayList<>();
        for (ConfigNode node : nodes) {
            if (node instanceof Text text && !text.isNull()) {
                texts.add(text);
            } else {
                faults.addUnreadable(node.at(), INCLUDE, "must be a file name or a list of file names, found " + node.kind());
            }
        }
        return texts;
    }

    /**
     * {@code over} wins, sections are merged key by key, everything else is replaced whole. A section that changes its {@code type:}
     * is replaced too: the keys of the other type would mean nothing to it.
     */
    private static Section merge(Section under, Section over) {
        LinkedHashMap<String, Entry> merged = new LinkedHashMap<>(under.entries());
        for (Map.Entry<String, Entry> entry : over.entries().entrySet()) {
            Entry below = merged.get(entry.getKey());
            Entry above = entry.getValue();
            if (below != null && below.value() instanceof Section lower && above.value() instanceof Section upper
                    && !changesType(lower, upper)) {
                above = new Entry(above.at(), merge(lower, upper));
            }
            merged.put(entry.getKey(), above);
        }
        return new Section(merged, over.at());
    }

    private static boolean changesType(Section lower, Section upper) {
        Entry below = lower.entries().get(TYPE);
        Entry above = upper.entries().get(TYPE);
        return above != null && below != null && above.value() instanceof Text a && below.value() instanceof Text b
                && !a.value().equals(b.value());
    }

    /** Applies {@code a.b.c=value} to the root; list items are addressed by their number, as in {@code sources.0.path=…}. */
    void override(Section root, String override) {
        int equals = override.indexOf('=');
        if (equals <= 0) {
            faults.add(new Position(COMMAND_LINE, 0), "", "'" + override + "' is not of the form key=value");
            return;
        }
        String key = override.substring(0, equals).strip();
        List<String> path = List.of(key.split("\\.", -1));
        if (path.stream().anyMatch(String::isBlank)) {
            faults.add(new Position(COMMAND_LINE, 0), "", "'" + override + "' has an empty part in its key");
            return;
        }
        overrideValue(key, override.substring(equals + 1).strip()).ifPresent(value -> put(root, path, 0, value));
    }

    private Optional<ConfigNode> overrideValue(String key, String text) {
        boolean structured = text.startsWith("[") || text.startsWith("{") || text.startsWith("\"") || text.startsWith("'");
        if (!structured) {
            return Optional.of(new Text(text, false, new Position(COMMAND_LINE, 0)));
        }
        Faults own = new Faults();
        Optional<ConfigNode> value = new YamlReader(own).text(text, COMMAND_LINE).map(Layers::onCommandLine);
        if (own.texts().isEmpty()) {
            return value;
        }
        own.texts().forEach(fault -> faults.add(new Position(COMMAND_LINE, 0), key, fault));
        return Optional.empty();
    }

    /** Line numbers mean nothing inside an argument. */
    private static ConfigNode onCommandLine(ConfigNode node) {
        Position at = new Position(COMMAND_LINE, 0);
        if (node instanceof Text text) {
            return new Text(text.value(), text.quoted(), at);
        }
        if (node instanceof Items items) {
            return new Items(new ArrayList<>(items.values().stream().map(Layers::onCommandLine).toList()), at);
        }
        LinkedHashMap<String, Entry> entries = new LinkedHashMap<>();
        ((Section) node).entries().forEach((key, entry) -> entries.put(key, new Entry(at, onCommandLine(entry.value()))));
        return new Section(entries, at);
    }

    private void put(ConfigNode parent, List<String> path, int depth, ConfigNode value) {
        String key = path.get(depth);
        boolean last = depth == path.size() - 1;
        String dotted = String.join(".", path.subList(0, depth + 1));
        Position at = new Position(COMMAND_LINE, 0);
        if (parent instanceof Items items) {
            int index = key.matches("\\d{1,9}") ? Integer.parseInt(key) : -1;
            if (index < 0 || index >= items.values().size()) {
                faults.add(at, dotted, "the list has items 0 to " + (items.values().size() - 1) + ", not '" + key + "'");
            } else if (last) {
                items.values().set(index, value);
            } else {
                put(items.values().get(index), path, depth + 1, value);
            }
            return;
        }
        if (!(parent instanceof Section section)) {
            faults.add(at, dotted, "'" + String.join(".", path.subList(0, depth)) + "' is " + parent.kind() + ", it has no keys below it");
            return;
        }
        Entry existing = section.entries().get(key);
        if (last) {
            boolean mergeable = existing != null && existing.value() instanceof Section lower && value instanceof Section upper
                    && !changesType(lower, upper);
            section.entries().put(key, new Entry(at, mergeable ? merge((Section) existing.value(), (Section) value) : value));
            return;
        }
        boolean nothingThere = existing == null || existing.value() instanceof Text text && text.isNull();
        ConfigNode child = nothingThere ? Section.empty(at) : existing.value();
        if (nothingThere) {
            section.entries().put(key, new Entry(at, child));
        }
        put(child, path, depth + 1, value);
    }
}
