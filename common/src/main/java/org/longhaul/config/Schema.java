package org.longhaul.config;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What configuration records look like: their keys, types and defaults, read from their declarations. */
final class Schema {
    /** The key that selects an implementation of a sealed interface. */
    static final String TYPE = "type";

    private Schema() {}

    /** One key of a record. */
    record Key(String name, Type type, Optional<String> defaultYaml, String doc) {
        /** True when the key may be left out: it has a default, is optional, or is a record that may be left out whole. */
        boolean omissible() {
            return defaultYaml.isPresent() || raw(type) == Optional.class || raw(type).isRecord() && allOmissible(raw(type));
        }
    }

    /** The keys of a record in the order of their declaration. */
    static List<Key> keys(Class<?> record) {
        List<Key> keys = new ArrayList<>();
        for (RecordComponent component : record.getRecordComponents()) {
            Default given = component.getAnnotation(Default.class);
            Doc doc = component.getAnnotation(Doc.class);
            keys.add(new Key(Names.snake(component.getName()), component.getGenericType(),
                    given == null ? Optional.empty() : Optional.of(given.value()), doc == null ? "" : doc.value()));
        }
        return keys;
    }

    static boolean allOmissible(Class<?> record) {
        return keys(record).stream().allMatch(Key::omissible);
    }

    /** The implementations of a sealed interface by the name that {@code type:} gives them. */
    static Map<String, Class<?>> variants(Class<?> sealed) {
        Map<String, Class<?>> variants = new LinkedHashMap<>();
        for (Class<?> permitted : sealed.getPermittedSubclasses()) {
            if (permitted.isSealed()) {
                variants.putAll(variants(permitted));
            } else if (permitted.isRecord()) {
                if (keys(permitted).stream().anyMatch(key -> key.name().equals(TYPE))) {
                    throw new IllegalStateException(permitted.getName() + " must not have a component named 'type': it selects the record");
                }
                variants.put(variantName(permitted), permitted);
            } else {
                throw new IllegalStateException(permitted.getName() + " must be a record to be configured");
            }
        }
        return variants;
    }

    static String variantName(Class<?> record) {
        return Names.snake(record.getSimpleName());
    }

    static Class<?> raw(Type type) {
        if (type instanceof ParameterizedType parameterized) {
            return (Class<?>) parameterized.getRawType();
        }
        if (type instanceof Class<?> plain) {
            return plain;
        }
        throw new IllegalStateException("a configuration component cannot have the type " + type);
    }

    static Type argument(Type type, int index) {
        if (type instanceof ParameterizedType parameterized) {
            return parameterized.getActualTypeArguments()[index];
        }
        throw new IllegalStateException(type + " needs its type arguments");
    }

    /** What a reader of the reference or of a message needs to write there: {@code whole number}, {@code list of paths}, … */
    static String describe(Type type) {
        Class<?> raw = raw(type);
        if (raw == Optional.class) {
            return describe(argument(type, 0));
        }
        if (raw == List.class) {
            return "list of " + describe(argument(type, 0));
        }
        if (raw == Map.class) {
            return "map of name to " + describe(argument(type, 1));
        }
        if (raw.isEnum()) {
            List<String> names = new ArrayList<>();
            for (Object constant : raw.getEnumConstants()) {
                names.add("`" + Names.snake(((Enum<?>) constant).name()) + "`");
            }
            return String.join(", ", names);
        }
        if (raw.isRecord()) {
            return "section";
        }
        if (raw.isSealed()) {
            return "section with `type`";
        }
        return switch (raw.getSimpleName()) {
            case "int", "Integer", "long", "Long" -> "whole number";
            case "double", "Double" -> "number";
            case "boolean", "Boolean" -> "`true`, `false`";
            case "String" -> "text";
            case "Path" -> "path";
            case "Duration" -> "duration";
            default -> throw new IllegalStateException("a configuration component cannot have the type " + type);
        };
    }

    /** The dotted paths of every key below {@code type}, to tell a user where a misplaced key belongs. */
    static Set<String> allPaths(Class<?> type) {
        Set<String> paths = new LinkedHashSet<>();
        collect(type, "", paths, new LinkedHashSet<>());
        return paths;
    }

    private static void collect(Type type, String path, Set<String> paths, Set<Class<?>> open) {
        Class<?> raw = raw(type);
        if (raw == Optional.class) {
            collect(argument(type, 0), path, paths, open);
        } else if (raw.isSealed() && raw.isInterface()) {
            variants(raw).values().forEach(variant -> collect(variant, path, paths, open));
        } else if (raw.isRecord() && open.add(raw)) {
            for (Key key : keys(raw)) {
                String child = Names.join(path, key.name());
                paths.add(child);
                collect(key.type(), child, paths, open);
            }
            open.remove(raw);
        }
    }
}
