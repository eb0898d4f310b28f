package org.longhaul.cli;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Why a command is about to fail, told as soon as it is known because its end may take a while or be cut short. The end itself then does not say it again.
 */
public final class Told {
    static final String BEGINS = "longhaul: ";

    private static final Set<String> LINES = ConcurrentHashMap.newKeySet();

    private Told() {}

    /** Writes the message as the last lines of a failed command look, once. */
    public static void tell(String message) {
        message.lines().map(line -> BEGINS + line).filter(LINES::add).forEach(System.err::println);
    }

    /** Whether this line has been written already. */
    static boolean knows(String line) {
        return LINES.contains(line);
    }
}
