package org.longhaul.cli;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.longhaul.config.ConfigLoader;
import org.longhaul.error.UserError;

/** Draws configuration records around one that is sound: values that bite are as likely as ordinary ones. */
final class RandomRecords {
    /** Texts that a careless writer of YAML would turn into something else. */
    static final List<String> TEXTS = List.of(
            "plain", "two words", "null", "~", "yes", "No", "true", "1e3", "0x10", "1_000", "-", "- x", "a: b", "a:", ":a", "a #b", "#", "'q'", "\"q\"",
            "back\\slash", "tab\there", "line\nbreak", "ünïcødé 漢字 🎉", "trailing ", " leading", "{a: b}", "{", "[1, 2]", "]", "*anchor", "&a", "!tag",
            "%dir", "@at", "`tick`", "|", ">", "?", ", ", "...", "---", "\u0085", "\u2028", "\ufeff", "\u00a0", "2026-11-23", "12:30:45", "=", "<<",
            "include", "type", ".inf", ".nan", "a.b", "s3a://bucket/run", "/abs/path", "../up", "~user", "$HOME", "100%", "a\rb", "\u001b[1m", "");

    private final SplittableRandom random;

    RandomRecords(long seed) {
        this.random = new SplittableRandom(seed);
    }

    /** A record some of whose values differ; each change is one that its constructor accepts. */
    Record vary(Record from) {
        Record record = from;
        RecordComponent[] components = from.getClass().getRecordComponents();
        for (int i = random.nextInt(2 * components.length + 1); i > 0; i--) {
            int changed = random.nextInt(components.length);
            Object[] values = new Object[components.length];
            for (int c = 0; c < components.length; c++) {
                values[c] = read(components[c], record);
            }
            values[changed] = value(components[changed].getGenericType(), values[changed]);
            record = make(from.getClass(), components, values).orElse(record);
        }
        return record;
    }

    private static Optional<Record> make(Class<?> type, RecordComponent[] components, Object[] values) {
        try {
            Constructor<?> canonical = type.getDeclaredConstructor(Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
            canonical.setAccessible(true);
            return Optional.of((Record) canonical.newInstance(values));
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof IllegalArgumentException || e.getCause() instanceof UserError) {
                return Optional.empty();
            }
            throw new AssertionError(type.getSimpleName() + Arrays.toString(values) + " is not refused but fails: " + e.getCause(), e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Object read(RecordComponent component, Record record) {
        try {
            component.getAccessor().setAccessible(true);
            return component.getAccessor().invoke(record);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Another value of a type; {@code old} is null where there is none yet. */
    private Object value(Type type, Object old) {
        Class<?> raw = (Class<?>) (type instanceof ParameterizedType p ? p.getRawType() : type);
        if (raw == Optional.class) {
            return random.nextInt(3) == 0 ? Optional.empty() : Optional.of(value(argument(type, 0), ((Optional<?>) old).orElse(null)));
        }
        if (raw == List.class) {
            List<Object> list = new ArrayList<>();
            for (int n = random.nextInt(4); n > 0; n--) {
                list.add(value(argument(type, 0), null));
            }
            return List.copyOf(list);
        }
        if (raw == Map.class) {
            Map<String, Object> map = new LinkedHashMap<>(old == null ? Map.of() : cast(old));
            Object example = map.values().stream().findFirst().orElse(null);
            for (int n = random.nextInt(3); n > 0; n--) {
                map.put(text(), value(argument(type, 1), example));
            }
            return map;
        }
        if (raw.isRecord()) {
            return old instanceof Record record ? vary(record) : example(raw);
        }
        if (raw.isSealed()) {
            Class<?>[] variants = raw.getPermittedSubclasses();
            Class<?> variant = variants[random.nextInt(variants.length)];
            return variant.isInstance(old) ? vary((Record) old) : drawn(variant, Optional.of((Record) old));
        }
        if (raw.isEnum()) {
            return raw.getEnumConstants()[random.nextInt(raw.getEnumConstants().length)];
        }
        if (raw == int.class || raw == Integer.class) {
            return (int) Math.max(Integer.MIN_VALUE, Math.min(Integer.MAX_VALUE, whole()));
        }
        if (raw == long.class || raw == Long.class) {
            return whole();
        }
        if (raw == double.class || raw == Double.class) {
            return decimal();
        }
        if (raw == boolean.class || raw == Boolean.class) {
            return random.nextBoolean();
        }
        if (raw == Duration.class) {
            return switch (random.nextInt(4)) {
                case 0 -> Duration.ZERO;
                case 1 -> Duration.ofMillis(random.nextInt(100_000));
                case 2 -> Duration.ofNanos(random.nextLong(1L << 40));
                default -> Duration.ofSeconds(random.nextInt(10_000_000));
            };
        }
        if (raw == String.class) {
            return text();
        }
        if (raw == Path.class) {
            String text = text();
            // What a file cannot say: nothing, a home folder that is not spelled out, an address.
            return text.isBlank() || text.startsWith("~") || text.contains("://") ? Path.of("/data/x") : Path.of(text);
        }
        throw new IllegalStateException("no values of " + type);
    }

    // What has no keys that must be given is varied, anything else drawn.
    private Record example(Class<?> type) {
        try {
            return vary((Record) ConfigLoader.parse("{}", "example", List.of(), type));
        } catch (UserError e) {
            return drawn(type, Optional.empty());
        }
    }

    // What the other variant has under the same name is taken over, such as the peak of a schedule.
    private Record drawn(Class<?> type, Optional<Record> other) {
        RecordComponent[] components = type.getRecordComponents();
        for (int tries = 0; tries < 1000; tries++) {
            Object[] values = new Object[components.length];
            for (int c = 0; c < components.length; c++) {
                RecordComponent mine = components[c];
                Optional<RecordComponent> same = other.stream().flatMap(o -> Arrays.stream(o.getClass().getRecordComponents()))
                        .filter(o -> o.getName().equals(mine.getName())).findFirst();
                values[c] = same.isPresent() ? read(same.get(), other.get()) : value(mine.getGenericType(), null);
            }
            Optional<Record> made = make(type, components, values);
            if (made.isPresent()) {
                return made.get();
            }
        }
        throw new AssertionError("no " + type.getSimpleName() + " was accepted");
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> cast(Object map) {
        return (Map<String, Object>) map;
    }

    private static Type argument(Type type, int index) {
        return ((ParameterizedType) type).getActualTypeArguments()[index];
    }

    private long whole() {
        return switch (random.nextInt(12)) {
            case 0 -> 0;
            case 1, 2, 3 -> 1 + random.nextInt(4);
            case 4, 5, 6, 7 -> 1L << random.nextInt(12);
            case 8, 9 -> random.nextInt(200);
            case 10 -> random.nextInt(1 << 20);
            default -> random.nextInt(40) == 0 ? random.nextLong() : random.nextInt(Integer.MAX_VALUE);
        };
    }

    private double decimal() {
        return switch (random.nextInt(10)) {
            case 0 -> 0;
            case 1 -> 1;
            case 2 -> random.nextDouble() * 10;
            case 3 -> Math.pow(10, random.nextInt(-12, 6));
            case 4 -> 1 + random.nextDouble();
            case 5 -> random.nextInt(20) == 0 ? Double.longBitsToDouble(random.nextLong(1, 0x7fefL << 48)) : random.nextInt(100);
            default -> random.nextDouble();
        };
    }

    private String text() {
        return TEXTS.get(random.nextInt(TEXTS.size())) + (random.nextInt(4) == 0 ? TEXTS.get(random.nextInt(TEXTS.size())) : "");
    }
}
