package org.longhaul.config;

import java.time.DateTimeException;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations as people write them: {@code 500ms}, {@code 90s}, {@code 5m}, {@code 1h30m}, {@code 2d}. */
final class DurationText {
    private static final Pattern WHOLE = Pattern.compile("(\\d+(ms|d|h|m|s))+");
    private static final Pattern PART = Pattern.compile("(\\d+)(ms|d|h|m|s)");

    private static final Duration LONGEST = Duration.ofDays(36_500);

    private DurationText() {}

    /** Throws {@link IllegalArgumentException} with the reason when the text is not a duration. */
    static Duration parse(String text) {
        String compact = text.replace(" ", "").replace("_", "");
        try {
            if (compact.startsWith("PT") || compact.startsWith("P")) {
                return limited(Duration.parse(compact));
            }
            if (!WHOLE.matcher(compact).matches()) {
                throw new IllegalArgumentException(compact.matches("\\d+") ? "needs a unit, such as " + compact + "s"
                        : "must be a duration such as 500ms, 90s, 5m, 1h30m or 2d");
            }
            Duration sum = Duration.ZERO;
            Matcher parts = PART.matcher(compact);
            while (parts.find()) {
                sum = sum.plus(part(Long.parseLong(parts.group(1)), parts.group(2)));
            }
            return limited(sum);
        } catch (DateTimeException | ArithmeticException | NumberFormatException e) {
            throw new IllegalArgumentException("must be a duration such as 500ms, 90s, 5m, 1h30m or 2d", e);
        }
    }

    // Clocks count nanoseconds in a long, which lasts for 292 years.
    private static Duration limited(Duration duration) {
        if (duration.abs().compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException("must be at most " + LONGEST.toDays() + "d");
        }
        return duration;
    }

    private static Duration part(long amount, String unit) {
        return switch (unit) {
            case "ms" -> Duration.ofMillis(amount);
            case "s" -> Duration.ofSeconds(amount);
            case "m" -> Duration.ofMinutes(amount);
            case "h" -> Duration.ofHours(amount);
            default -> Duration.ofDays(amount);
        };
    }

    /** The shortest text that {@link #parse} reads back as the same duration. */
    static String format(Duration duration) {
        if (duration.isNegative() || duration.getNano() % 1_000_000 != 0) {
            return duration.toString();
        }
        StringBuilder text = new StringBuilder();
        append(text, duration.toDaysPart(), "d");
        append(text, duration.toHoursPart(), "h");
        append(text, duration.toMinutesPart(), "m");
        append(text, duration.toSecondsPart(), "s");
        append(text, duration.toMillisPart(), "ms");
        return text.length() == 0 ? "0s" : text.toString();
    }

    private static void append(StringBuilder text, long amount, String unit) {
        if (amount > 0) {
            text.append(amount).append(unit);
        }
    }
}
