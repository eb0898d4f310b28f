package org.longhaul.config;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.longhaul.config.ConfigNode.Position;
import org.longhaul.error.UserError;

/** Collects everything wrong with a configuration so that the user mends it in one go. */
final class Faults {
    private final Set<Fault> faults = new LinkedHashSet<>();
    private final List<String> files = new ArrayList<>();
    private boolean unreadable;

    private record Fault(Position at, String key, String text) {
        String line() {
            return visible(at + ": " + (key.isEmpty() ? "" : key + ": ") + text);
        }

        // Names and values are quoted as they were found; one with a line break in it must not look like two faults.
        private static String visible(String line) {
            StringBuilder out = new StringBuilder();
            line.codePoints().forEach(c -> {
                if (Character.isISOControl(c) || c == 0x2028 || c == 0x2029) {
                    out.append(c == '\n' ? "\\n" : c == '\t' ? "\\t" : c == '\r' ? "\\r" : String.format("\\u%04x", c));
                } else {
                    out.appendCodePoint(c);
                }
            });
            return out.toString();
        }
    }

    /** Adds one fault; {@code key} is the dotted path, empty when the fault concerns the whole file. */
    void add(Position at, String key, String text) {
        faults.add(new Fault(at, key, text));
        if (!files.contains(at.file())) {
            files.add(at.file());
        }
    }

    /** Adds a fault that hides the keys of a file, so that what seems to be missing may only be unread. */
    void addUnreadable(Position at, String key, String text) {
        add(at, key, text);
        unreadable = true;
    }

    /** What was found, without the places. */
    List<String> texts() {
        return faults.stream().map(Fault::text).toList();
    }

    boolean unreadable() {
        return unreadable;
    }

    /** Throws all of them as one {@link UserError}, one line for each, in the order of the lines of each file. */
    void throwIfAny() {
        if (!faults.isEmpty()) {
            Comparator<Fault> byPlace = Comparator.<Fault>comparingInt(fault -> files.indexOf(fault.at().file()))
                    .thenComparingInt(fault -> fault.at().line());
            throw UserError.badInput(faults.stream().sorted(byPlace).map(Fault::line).collect(Collectors.joining("\n")));
        }
    }
}
