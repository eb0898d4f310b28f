package org.longhaul.config;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Writes a configuration record as YAML that {@link ConfigLoader} reads back as an equal record; equal records give equal text. */
public final class ConfigWriter {
    private static final int FLOW_WIDTH = 100;

    private ConfigWriter() {}

    /** The record with every key spelled out, defaults included. */
    public static String toYaml(Record record) {
        StringBuilder yaml = new StringBuilder();
        record(yaml, record, "", false);
        return yaml.toString();
    }

    /** As {@link #toYaml}, with a leading {@code type:} where {@code record} is bound through the sealed interface {@code declared}. */
    public static String toYaml(Record record, Class<?> declared) {
        StringBuilder yaml = new StringBuilder();
        record(yaml, record, "", declared.isInterface());
        return yaml.toString();
    }

    private static void record(StringBuilder yaml, Record record, String indent, boolean withType) {
        if (withType) {
            yaml.append(indent).append(Schema.TYPE).append(": ").append(Schema.variantName(record.getClass())).append('\n');
        }
        for (RecordComponent component : record.getClass().getRecordComponents()) {
            entry(yaml, Names.snake(component.getName()), component.getGenericType(), value(component, record), indent);
        }
    }

    private static void entry(StringBuilder yaml, String key, Type type, Object value, String indent) {
        Class<?> raw = Schema.raw(type);
        if (raw == Optional.class) {
            Optional<?> optional = (Optional<?>) value;
            if (optional.isPresent()) {
                entry(yaml, key, Schema.argument(type, 0), optional.get(), indent);
            } else {
                yaml.append(indent).append(key).append(": null\n");
            }
            return;
        }
        yaml.append(indent).append(key).append(':');
        if (value instanceof Record nested) {
            StringBuilder body = new StringBuilder();
            record(body, nested, indent + "  ", raw.isInterface());
            yaml.append(body.length() == 0 ? " {}\n" : "\n" + body);
        } else if (value instanceof List<?> list) {
            list(yaml, list, Schema.argument(type, 0), indent);
        } else if (value instanceof Map<?, ?> map) {
            map(yaml, map, Schema.argument(type, 1), indent);
        } else {
            yaml.append(' ').append(scalar(value)).append('\n');
        }
    }

    private static void list(StringBuilder yaml, List<?> list, Type element, String indent) {
        Class<?> raw = Schema.raw(element);
        if (list.isEmpty()) {
            yaml.append(" []\n");
            return;
        }
        if (Scalars.handles(raw)) {
            String flow = "[" + String.join(", ", list.stream().map(ConfigWriter::scalar).toList()) + "]";
            if (flow.length() + indent.length() <= FLOW_WIDTH) {
                yaml.append(' ').append(flow).append('\n');
                return;
            }
        }
        yaml.append('\n');
        for (Object item : list) {
            StringBuilder body = new StringBuilder();
            if (Scalars.handles(raw)) {
                body.append(indent).append("    ").append(scalar(item)).append('\n');
            } else if (item instanceof Record nested) {
                record(body, nested, indent + "    ", raw.isInterface());
                if (body.length() == 0) {
                    body.append(indent).append("    {}\n");
                }
            } else {
                throw new IllegalStateException("a list of " + element + " cannot be configured");
            }
            // The dash takes the place of the first key's indentation.
            body.setCharAt(indent.length() + 2, '-');
            yaml.append(body);
        }
    }

    private static void map(StringBuilder yaml, Map<?, ?> map, Type valueType, String indent) {
        if (map.isEmpty()) {
            yaml.append(" {}\n");
            return;
        }
        yaml.append('\n');
        // Sorted, because immutable maps iterate differently in every process.
        new TreeMap<>(map).forEach((name, value) -> entry(yaml, text((String) name), valueType, value, indent + "  "));
    }

    static String scalar(Object value) {
        if (value instanceof Enum<?> constant) {
            return Names.snake(constant.name());
        }
        if (value instanceof Duration duration) {
            return DurationText.format(duration);
        }
        if (value instanceof Double number) {
            return number(number);
        }
        if (value instanceof String || value instanceof Path) {
            return text(value.toString());
        }
        return String.valueOf(value);
    }

    /** The shortest form that reads back as the same double: {@code 1e-05} stays readable, {@code 3.0} stays {@code 3.0}. */
    private static String number(double value) {
        if (!Double.isFinite(value)) {
            throw new IllegalStateException("a configuration cannot hold the number " + value);
        }
        return Double.toString(value).replace(".0E", "e").replace('E', 'e');
    }

    private static String text(String value) {
        boolean plain = value.matches("[A-Za-z_./][A-Za-z0-9_./+@-]*( [A-Za-z0-9_./+@-]+)*")
                && !value.matches("(?i)null|true|false|yes|no|on|off|y|n|~|\\.\\.\\.|\\.(inf|nan)|[.\\d_eE+-]+");
        if (plain) {
            return value;
        }
        StringBuilder quoted = new StringBuilder("\"");
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            switch (c) {
                case '"' -> quoted.append("\\\"");
                case '\\' -> quoted.append("\\\\");
                case '\n' -> quoted.append("\\n");
                case '\t' -> quoted.append("\\t");
                default -> {
                    boolean pair = Character.isHighSurrogate(c) && i + 1 < value.length() && Character.isLowSurrogate(value.charAt(i + 1));
                    if (pair) {
                        quoted.append(String.format("\\U%08x", value.codePointAt(i)));
                        i++;
                    } else if (c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 || c == 0x2028 || c == 0x2029 || c >= 0xd800 && c < 0xf900 || c >= 0xfff0 || c == 0xfeff) {
                        quoted.append(String.format("\\u%04x", (int) c));
                    } else {
                        quoted.append(c);
                    }
                }
            }
        }
        return quoted.append('"').toString();
    }

    static Object value(RecordComponent component, Record record) {
        try {
            Method accessor = component.getAccessor();
            accessor.setAccessible(true);
            return accessor.invoke(record);
        } catch (InvocationTargetException | IllegalAccessException e) {
            throw new IllegalStateException("cannot read " + component, e);
        }
    }
}
