package org.longhaul.error;

import java.util.Objects;

/**
 * A fault that the user can mend. The message is one line that names the file, key or rank and what to do;
 * the command line prints it without a stack trace and exits with {@link #exitCode()}.
 */
public final class UserError extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ExitCode exitCode;

    private UserError(ExitCode exitCode, String message, Throwable cause) {
        super(Objects.requireNonNull(message), cause);
        this.exitCode = exitCode;
    }

    /** Wrong input or configuration: exit status 2. */
    public static UserError badInput(String message) {
        return new UserError(ExitCode.BAD_INPUT, message, null);
    }

    /** Wrong input or configuration, with the exception that showed it. */
    public static UserError badInput(String message, Throwable cause) {
        return new UserError(ExitCode.BAD_INPUT, message, cause);
    }

    /** The machine lacks something: exit status 3. */
    public static UserError environment(String message) {
        return new UserError(ExitCode.ENVIRONMENT, message, null);
    }

    /** The machine lacks something, with the exception that showed it. */
    public static UserError environment(String message, Throwable cause) {
        return new UserError(ExitCode.ENVIRONMENT, message, cause);
    }

    /** Stopped by a signal after saving: exit status 75. */
    public static UserError requeue(String message) {
        return new UserError(ExitCode.REQUEUE, message, null);
    }

    /** The exit status that the process ends with. */
    public ExitCode exitCode() {
        return exitCode;
    }
}
