package org.longhaul.config;

import java.math.BigDecimal;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.longhaul.text.NearestMatch;

/** Binds the text of a scalar to a Java value; every refusal is an {@link IllegalArgumentException} that says what would be right. */
final class Scalars {
    private Scalars() {}

    static boolean handles(Class<?> type) {
        return type == int.class || type == Integer.class || type == long.class || type == Long.class
                || type == double.class || type == Double.class || type == boolean.class || type == Boolean.class
                || type == String.class || type == Path.class || type == Duration.class || type.isEnum();
    }

    static Object parse(String text, Class<?> type) {
        if (type == String.class) {
            return text;
        }
        if (type == int.class || type == Integer.class) {
            long value = whole(text);
            if (value != (int) value) {
                throw new IllegalArgumentException("must lie between " + Integer.MIN_VALUE + " and " + Integer.MAX_VALUE + ", found '" + text + "'");
            }
            return (int) value;
        }
        if (type == long.class || type == Long.class) {
            return whole(text);
        }
        if (type == double.class || type == Double.class) {
            return decimal(text).doubleValue();
        }
        if (type == boolean.class || type == Boolean.class) {
            return truth(text);
        }
        if (type == Path.class) {
            return path(text);
        }
        if (type == Duration.class) {
            try {
                return DurationText.parse(text);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(e.getMessage() + ", found '" + text + "'", e);
            }
        }
        return constant(text, type);
    }

    private static long whole(String text) {
        try {
            return decimal(text).longValueExact();
        } catch (ArithmeticException | IllegalArgumentException e) {
            throw new IllegalArgumentException("must be a whole number, found '" + text + "'", e);
        }
    }

    private static BigDecimal decimal(String text) {
        String number = text.strip();
        // An exponent of many digits would make longValueExact build a number of that many digits.
        boolean shaped = number.matches("[+-]?(\\d[\\d_]*)?(\\.[\\d_]*)?([eE][+-]?\\d{1,3})?") && number.matches(".*\\d.*");
        if (shaped && !number.startsWith("_") && !number.endsWith("_")) {
            try {
                BigDecimal value = new BigDecimal(number.replace("_", ""));
                if (Double.isFinite(value.doubleValue())) {
                    return value;
                }
            } catch (NumberFormatException e) {
                // Falls through to the one message below.
            }
        }
        boolean comma = number.matches("[+-]?\\d+,\\d+([eE][+-]?\\d+)?");
        throw new IllegalArgumentException("must be a number, found '" + text + "'" + (comma ? "; decimals begin with a point" : ""));
    }

    private static boolean truth(String text) {
        return switch (text.strip().toLowerCase(Locale.ROOT)) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException("must be true or false, found '" + text + "'");
        };
    }

    private static Path path(String text) {
        if (text.isBlank()) {
            throw new IllegalArgumentException("must be a path, found nothing");
        }
        if (text.matches("[A-Za-z][A-Za-z0-9+.-]+://.*")) {
            throw new IllegalArgumentException("must be a path of the local file system, found the address '" + text + "'");
        }
        try {
            boolean home = text.equals("~") || text.startsWith("~/");
            return home ? Path.of(System.getProperty("user.home"), text.substring(1)) : Path.of(text);
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException("must be a path, found '" + text + "' (" + e.getReason() + ")", e);
        }
    }

    private static Object constant(String text, Class<?> type) {
        List<String> names = new ArrayList<>();
        for (Object constant : type.getEnumConstants()) {
            String name = Names.snake(((Enum<?>) constant).name());
            if (name.equals(text.strip().toLowerCase(Locale.ROOT).replace('-', '_'))) {
                return constant;
            }
            names.add(name);
        }
        throw new IllegalArgumentException("must be one of " + String.join(", ", names) + ", found '" + text + "'"
                + (names.size() > 2 ? NearestMatch.hint(text, names) : ""));
    }
}
