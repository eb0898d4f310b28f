package org.longhaul.launch;

import org.longhaul.error.ExitCode;

/**
 * How an attempt ended.
 *
 * @param status to end with
 * @param cause for people, empty when all is well
 * @param stuck whether this machine still holds ranks that nothing ends, which another attempt would meet
 */
record Outcome(int status, String cause, boolean stuck) {
    static final Outcome DONE = new Outcome(0, "");

    Outcome(int status, String cause) {
        this(status, cause, false);
    }

    /** Asks the scheduler for another start. */
    static Outcome requeue(String cause) {
        return new Outcome(ExitCode.REQUEUE.status(), cause);
    }

    boolean wantsRequeue() {
        return status == ExitCode.REQUEUE.status();
    }

    /** Whether starting the ranks again here may mend it: wrong input stays wrong, and a requeue is the scheduler's to answer. */
    boolean mayBeMended() {
        return status != 0 && status != ExitCode.BAD_INPUT.status() && !wantsRequeue() && !stuck;
    }
}
