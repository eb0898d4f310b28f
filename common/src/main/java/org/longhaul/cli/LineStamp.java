package org.longhaul.cli;

import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** What begins the lines of a long job: the time (UTC), and which process says it. */
public final class LineStamp {
    private LineStamp() {}

    /**
     * From now on every line that this process writes to the error stream begins with the time, unless a person watches it on a terminal, and then
     * with {@code who}, such as {@code "[rank 3] "}.
     */
    public static void begin(String who) {
        Terminal terminal = Terminal.current();
        terminal.stamp(terminal.interactive() ? () -> who : () -> now() + " " + who);
    }

    /** What a line written elsewhere on this process's behalf should begin with: the time, or nothing on a terminal. */
    public static String time() {
        return Terminal.current().interactive() ? "" : now() + " ";
    }

    private static String now() {
        return Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
    }
}
