package org.longhaul.config;

import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** Which keys have other values in two configuration records. */
public final class ConfigDifference {
    private ConfigDifference() {}

    /**
     * One key that differs.
     *
     * @param key its dotted path
     * @param before its value in the first record as YAML, empty where that has no such key
     * @param after in the second
     */
    public record Change(String key, String before, String after) {
        @Override
        public String toString() {
            return key + " " + (before.isEmpty() ? "(not set)" : before) + " → " + (after.isEmpty() ? "(not set)" : after);
        }
    }

    /** The keys that differ, in the order of their declaration. */
    public static List<Change> between(Record before, Record after) {
        return between(flat(before), flat(after));
    }

    /** The same of two YAML texts, whatever keys they have: those of a version that is not this one too. A text that is no YAML has no keys. */
    public static List<Change> between(String before, String after) {
        return between(flat(before), flat(after));
    }

    private static List<Change> between(Map<String, String> first, Map<String, String> second) {
        Set<String> keys = new LinkedHashSet<>(first.keySet());
        keys.addAll(second.keySet());
        List<Change> changes = new ArrayList<>();
        for (String key : keys) {
            Change change = new Change(key, first.getOrDefault(key, ""), second.getOrDefault(key, ""));
            if (!change.before.equals(change.after)) {
                changes.add(change);
            }
        }
        return changes;
    }

    /** Every value by its dotted key. */
    static Map<String, String> flat(Record record) {
        Map<String, String> values = new LinkedHashMap<>();
        record(values, "", record, false);
        return values;
    }

    private static Map<String, String> flat(String yaml) {
        Map<String, String> values = new LinkedHashMap<>();
        new YamlReader(new Faults()).text(yaml, "").ifPresent(node -> node(values, "", node));
        return values;
    }

    private static void node(Map<String, String> values, String key, ConfigNode node) {
        String prefix = key.isEmpty() ? "" : key + ".";
        if (node instanceof ConfigNode.Section section) {
            section.entries().forEach((name, entry) -> node(values, prefix + name, entry.value()));
        } else if (node instanceof ConfigNode.Items items) {
            for (int i = 0; i < items.values().size(); i++) {
                node(values, prefix + i, items.values().get(i));
            }
        } else if (node instanceof ConfigNode.Text text) {
            values.put(key, text.value());
        }
    }

    private static void record(Map<String, String> values, String prefix, Record record, boolean withType) {
        if (withType) {
            values.put(prefix + Schema.TYPE, Schema.variantName(record.getClass()));
        }
        for (RecordComponent component : record.getClass().getRecordComponents()) {
            value(values, prefix + Names.snake(component.getName()), component.getGenericType(), ConfigWriter.value(component, record));
        }
    }

    private static void value(Map<String, String> values, String key, Type type, Object value) {
        if (value instanceof Optional<?> optional) {
            optional.ifPresent(held -> value(values, key, Schema.argument(type, 0), held));
        } else if (value instanceof Record nested) {
            record(values, key + ".", nested, Schema.raw(type).isInterface());
        } else if (value instanceof List<?> list) {
            for (int i = 0; i < list.size(); i++) {
                value(values, key + "." + i, Schema.argument(type, 0), list.get(i));
            }
        } else if (value instanceof Map<?, ?> map) {
            new TreeMap<>(map).forEach((name, held) -> value(values, key + "." + name, Schema.argument(type, 1), held));
        } else {
            values.put(key, ConfigWriter.scalar(value));
        }
    }
}
