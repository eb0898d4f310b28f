package org.longhaul.config;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.longhaul.config.ConfigNode.Entry;
import org.longhaul.config.ConfigNode.Items;
import org.longhaul.config.ConfigNode.Position;
import org.longhaul.config.ConfigNode.Section;
import org.longhaul.config.ConfigNode.Text;
import org.longhaul.error.UserError;
import org.longhaul.text.NearestMatch;

/** Binds {@link ConfigNode}s to records. A part that cannot be bound yields empty after its fault was recorded, so that all faults come out together. */
final class Binder {
    private static final Pattern NAMED = Pattern.compile("([A-Za-z0-9_]+(?:\\.[A-Za-z0-9_]+)*)(?::\\s*| (?!and |or |× ))(.+)", Pattern.DOTALL);

    private final Faults faults;
    private final Set<String> allPaths;

    Binder(Faults faults, Class<?> root) {
        this.faults = faults;
        this.allPaths = Schema.allPaths(root);
    }

    Optional<Object> bind(ConfigNode node, Type type, String path) {
        Class<?> raw = Schema.raw(type);
        boolean isNull = node instanceof Text text && text.isNull();
        if (raw == Optional.class) {
            return isNull ? Optional.of(Optional.empty()) : bind(node, Schema.argument(type, 0), path).map(Optional::of);
        }
        if (raw == List.class) {
            return list(node, Schema.argument(type, 0), path);
        }
        if (raw == Map.class) {
            return map(node, type, path);
        }
        if (raw.isRecord()) {
            if (isNull) {
                return record(Section.empty(node.at()), raw, path, false);
            }
            return node instanceof Section section ? record(section, raw, path, false) : wrongKind(node, path, "a section of keys");
        }
        if (raw.isSealed() && raw.isInterface()) {
            return variant(node, raw, path);
        }
        if (!Scalars.handles(raw)) {
            throw new IllegalStateException(path + ": a configuration component cannot have the type " + type);
        }
        return scalar(node, raw, path);
    }

    private Optional<Object> scalar(ConfigNode node, Class<?> type, String path) {
        if (!(node instanceof Text text)) {
            return wrongKind(node, path, "one value (" + Schema.describe(type).replace("`", "") + ")");
        }
        if (text.isNull()) {
            faults.add(node.at(), path, "has no value; give one (" + Schema.describe(type).replace("`", "") + ") or remove the line");
            return Optional.empty();
        }
        try {
            return Optional.of(Scalars.parse(text.value(), type));
        } catch (IllegalArgumentException e) {
            faults.add(node.at(), path, e.getMessage());
            return Optional.empty();
        }
    }

    private Optional<Object> list(ConfigNode node, Type element, String path) {
        if (!(node instanceof Items items)) {
            String mend = node instanceof Text text && !text.isNull() ? "; write [" + text.value() + "]" : "";
            faults.add(node.at(), path, "must be a list, found " + node.kind() + mend);
            return Optional.empty();
        }
        List<Object> values = new ArrayList<>();
        for (int i = 0; i < items.values().size(); i++) {
            bind(items.values().get(i), element, path + "[" + i + "]").ifPresent(values::add);
        }
        return values.size() == items.values().size() ? Optional.of(List.copyOf(values)) : Optional.empty();
    }

    private Optional<Object> map(ConfigNode node, Type type, String path) {
        if (Schema.raw(Schema.argument(type, 0)) != String.class) {
            throw new IllegalStateException(path + ": the names of a configured map must be Strings");
        }
        if (!(node instanceof Section section)) {
            return wrongKind(node, path, "a section of name: value lines");
        }
        Map<String, Object> values = new LinkedHashMap<>();
        section.entries().forEach((name, entry) -> bind(entry.value(), Schema.argument(type, 1), Names.join(path, name))
                .ifPresent(value -> values.put(name, value)));
        return values.size() == section.entries().size() ? Optional.of(Collections.unmodifiableMap(values)) : Optional.empty();
    }

    private Optional<Object> variant(ConfigNode node, Class<?> sealed, String path) {
        Map<String, Class<?>> variants = Schema.variants(sealed);
        Section section;
        Text name;
        if (node instanceof Text text && !text.isNull()) {
            // The bare name stands for the variant with all its defaults.
            section = Section.empty(node.at());
            name = text;
        } else if (node instanceof Section given) {
            section = given;
            Entry type = given.entries().get(Schema.TYPE);
            if (type == null || !(type.value() instanceof Text text) || text.isNull()) {
                faults.add(node.at(), path, "needs 'type:', one of " + String.join(", ", variants.keySet()));
                return Optional.empty();
            }
            name = text;
        } else {
            return wrongKind(node, path, "a section with 'type:', one of " + String.join(", ", variants.keySet()));
        }
        Class<?> record = variants.get(name.value());
        if (record == null) {
            faults.add(name.at(), Names.join(path, Schema.TYPE), "must be one of " + String.join(", ", variants.keySet())
                    + ", found '" + name.value() + "'" + NearestMatch.hint(name.value(), variants.keySet()));
            return Optional.empty();
        }
        return record(section, record, path, true);
    }

    private Optional<Object> record(Section section, Class<?> record, String path, boolean variant) {
        List<Schema.Key> keys = Schema.keys(record);
        List<String> names = keys.stream().map(Schema.Key::name).toList();
        for (Map.Entry<String, Entry> entry : section.entries().entrySet()) {
            if (!names.contains(entry.getKey()) && !(variant && entry.getKey().equals(Schema.TYPE))) {
                faults.add(entry.getValue().at(), Names.join(path, entry.getKey()), "unknown key" + mend(entry.getKey(), path, names));
            }
        }
        Object[] values = new Object[keys.size()];
        boolean complete = true;
        for (int i = 0; i < values.length; i++) {
            Optional<Object> value = component(section, keys.get(i), record, path);
            complete &= value.isPresent();
            values[i] = value.orElse(null);
        }
        return complete ? construct(section, record, path, names, values) : Optional.empty();
    }

    private Optional<Object> component(Section section, Schema.Key key, Class<?> record, String path) {
        String childPath = Names.join(path, key.name());
        Entry entry = section.entries().get(key.name());
        if (entry != null) {
            return bind(entry.value(), key.type(), childPath);
        }
        if (key.defaultYaml().isPresent()) {
            return Optional.of(Defaults.value(record, key));
        }
        Class<?> raw = Schema.raw(key.type());
        if (raw == Optional.class) {
            return Optional.of(Optional.empty());
        }
        if (raw.isRecord() && Schema.allOmissible(raw)) {
            return record(Section.empty(section.at()), raw, childPath, false);
        }
        String choices = raw.isSealed() && raw.isInterface()
                ? "a section with 'type:', one of " + String.join(", ", Schema.variants(raw).keySet())
                : Schema.describe(key.type()).replace("`", "");
        faults.add(section.at(), childPath, "missing; give it (" + choices + ")");
        return Optional.empty();
    }

    private Optional<Object> construct(Section section, Class<?> record, String path, List<String> names, Object[] values) {
        try {
            return Optional.of(newRecord(record, values));
        } catch (IllegalArgumentException | UserError e) {
            String message = String.valueOf(e.getMessage());
            // The key at fault, perhaps in a section below; "a × b must be", "a and b must be" speak of several.
            Matcher named = NAMED.matcher(message);
            boolean namesKey = named.matches() && names.contains(named.group(1).split("\\.")[0]);
            String key = namesKey ? Names.join(path, named.group(1)) : path;
            faults.add(place(section, message), key, namesKey ? named.group(2) : message);
            return Optional.empty();
        }
    }

    // The line of the first word, as far down as it was given.
    private static Position place(Section section, String message) {
        Position at = section.at();
        ConfigNode node = section;
        for (String part : message.split("[^A-Za-z0-9_.]", 2)[0].split("\\.")) {
            Entry entry = node instanceof Section below ? below.entries().get(part) : null;
            if (entry == null) {
                break;
            }
            at = entry.at();
            node = entry.value();
        }
        return at;
    }

    /** Calls the canonical constructor; its refusal comes out as it was thrown. */
    static Object newRecord(Class<?> record, Object[] values) {
        Class<?>[] types = Arrays.stream(record.getRecordComponents()).map(RecordComponent::getType).toArray(Class<?>[]::new);
        try {
            Constructor<?> canonical = record.getDeclaredConstructor(types);
            canonical.setAccessible(true);
            return canonical.newInstance(values);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof RuntimeException refusal) {
                throw refusal;
            }
            throw new IllegalStateException("cannot construct " + record.getName(), e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("cannot construct " + record.getName(), e);
        }
    }

    private String mend(String key, String path, Collection<String> names) {
        Optional<String> near = NearestMatch.of(key, names);
        if (near.isPresent()) {
            return "; did you mean '" + near.get() + "'?";
        }
        String elsewhere = allPaths.stream().filter(known -> known.equals(key) || known.endsWith("." + key))
                .map(known -> "'" + known + "'").collect(Collectors.joining(" or "));
        if (!elsewhere.isEmpty()) {
            return "; it belongs at " + elsewhere;
        }
        if (key.matches("\\d+([eE][+-]?\\d+)?")) {
            return "; it looks like the rest of a number with a decimal comma: decimals begin with a point";
        }
        String where = path.isEmpty() ? "at the top" : "in '" + path + "'";
        return names.isEmpty() ? "; nothing can be set " + where : "; known " + where + ": " + String.join(", ", names);
    }

    private Optional<Object> wrongKind(ConfigNode node, String path, String wanted) {
        faults.add(node.at(), path, "must be " + wanted + ", found " + node.kind());
        return Optional.empty();
    }

    /** Default values, which are written in YAML by the programmer; a fault in one is a defect, not a user's mistake. */
    private static final class Defaults {
        private Defaults() {}

        static Object value(Class<?> record, Schema.Key key) {
            String source = "@Default of " + record.getName() + "." + key.name();
            Faults own = new Faults();
            try {
                ConfigNode node = new YamlReader(own).text(key.defaultYaml().orElseThrow(), source)
                        .orElse(new Text("", false, new Position(source, 0)));
                boolean emptyText = Schema.raw(key.type()) == String.class && key.defaultYaml().get().isEmpty();
                Optional<Object> value = emptyText ? Optional.of("") : new Binder(own, Object.class).bind(node, key.type(), key.name());
                own.throwIfAny();
                return value.orElseThrow();
            } catch (UserError e) {
                throw new IllegalStateException(e.getMessage(), e);
            }
        }
    }
}
