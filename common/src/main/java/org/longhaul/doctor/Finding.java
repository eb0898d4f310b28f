package org.longhaul.doctor;

import java.util.Objects;

/**
 * One line of the doctor's report.
 *
 * @param level what it means for the user
 * @param subject what was looked at, one or two words
 * @param detail what was found
 * @param mend what to do about it; empty when all is well
 */
public record Finding(Level level, String subject, String detail, String mend) {
    /** How bad it is. */
    public enum Level {
        /** As it should be. */
        OK,
        /** Works, but something is worse than it could be or a part is not usable here. */
        WARN,
        /** Longhaul cannot work. */
        FAIL,
        /** What Longhaul is to work on is damaged or wrong. */
        BAD
    }

    public Finding {
        Objects.requireNonNull(level);
        Objects.requireNonNull(subject);
        Objects.requireNonNull(detail);
        Objects.requireNonNull(mend);
        if (level != Level.OK && mend.isEmpty()) {
            throw new IllegalArgumentException("a finding that is not ok must say how to mend it: " + subject);
        }
    }

    /** All is well. */
    public static Finding ok(String subject, String detail) {
        return new Finding(Level.OK, subject, detail, "");
    }

    /** Usable with a limitation. */
    public static Finding warn(String subject, String detail, String mend) {
        return new Finding(Level.WARN, subject, detail, mend);
    }

    /** Not usable. */
    public static Finding fail(String subject, String detail, String mend) {
        return new Finding(Level.FAIL, subject, detail, mend);
    }

    /** An input that is damaged or wrong. */
    public static Finding bad(String subject, String detail, String mend) {
        return new Finding(Level.BAD, subject, detail, mend);
    }

    /** Not usable, from one sentence as our errors have it: what is wrong; what mends it. Where it does not say, {@code mend} does. */
    public static Finding failed(String subject, String error, String mend) {
        int cut = error.indexOf("; ");
        return cut < 0 ? fail(subject, error, mend) : fail(subject, error.substring(0, cut), error.substring(cut + 2));
    }

    /** The report's line. */
    String line() {
        String label = switch (level) {
            case OK -> "ok   ";
            case WARN -> "warn ";
            case FAIL -> "FAIL ";
            case BAD -> "BAD  ";
        };
        return label + String.format("%-12s", subject) + " " + detail + (mend.isEmpty() ? "" : " → " + mend);
    }
}
