package org.longhaul.error;

/** What a Longhaul process tells its caller by its exit status. */
public enum ExitCode {
    /** The work is done. */
    DONE(0),
    /** The input or the configuration is wrong; trying again unchanged cannot help. */
    BAD_INPUT(2),
    /** The machine lacks something: a library, a GPU, memory, disk space. */
    ENVIRONMENT(3),
    /** A defect of Longhaul itself. */
    INTERNAL(70),
    /** Stopped by a signal after saving; the scheduler should start the job again. */
    REQUEUE(75);

    private final int status;

    ExitCode(int status) {
        this.status = status;
    }

    /** The process exit status. */
    public int status() {
        return status;
    }
}
