package org.longhaul.launch;

import java.time.Duration;

/**
 * How long a launcher waits for what.
 *
 * @param lasting how long an attempt must live for its failure to be the first in a row again
 * @param grace how long the other ranks may take to end after a failure before they are killed
 * @param save how long ranks may take to save and end after TERM, INT or USR1 before they are named and killed; zero where nobody knows
 * @param join how long the launchers of several nodes wait for each other
 * @param pause before the second restart in a row, three times as long before each further one; the first begins at once
 * @param silence how long node 0 may hear nothing of another node's launcher, or not reach it the other way round, before the attempt ends
 */
record Limits(Duration lasting, Duration grace, Duration save, Duration join, Duration pause, Duration silence) {
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(5);

    /** What to wait before a restart, counted from 1 in a row: what broke a start twice may need time, such as a file server. */
    Duration pauseBefore(int restart) {
        Duration wait = restart < 2 ? Duration.ZERO : pause;
        for (int i = 2; i < restart && wait.compareTo(LONGEST_PAUSE) < 0; i++) {
            wait = wait.multipliedBy(3);
        }
        return wait.compareTo(LONGEST_PAUSE) < 0 || restart == 2 ? wait : LONGEST_PAUSE;
    }
}
