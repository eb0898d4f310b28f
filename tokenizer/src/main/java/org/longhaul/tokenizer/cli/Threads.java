package org.longhaul.tokenizer.cli;

import org.longhaul.error.UserError;

/** The option {@code --threads}. */
final class Threads {
    private Threads() {}

    /** As many as asked for, else one a processor. */
    static int of(Integer asked) {
        if (asked != null && asked < 1) {
            throw UserError.badInput("--threads must be 1 or more: " + asked);
        }
        return asked != null ? asked : Runtime.getRuntime().availableProcessors();
    }
}
