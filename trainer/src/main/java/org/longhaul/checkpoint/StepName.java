package org.longhaul.checkpoint;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Folder names of checkpoints. A step that is saved again, after a roll-back, gets a further attempt: nothing is overwritten. */
record StepName(long step, int attempt) {
    /** Starts the names of folders being written. */
    static final String STAGING = ".tmp-";
    /** Starts the names of folders being deleted. */
    static final String TRASH = ".trash-";

    private static final Pattern NAME = Pattern.compile("step-(\\d{8,18})(?:\\.(\\d{1,6}))?");

    static StepName parse(String name) {
        Matcher m = NAME.matcher(name);
        if (!m.matches()) {
            return null;
        }
        return new StepName(Long.parseLong(m.group(1)), m.group(2) == null ? 1 : Integer.parseInt(m.group(2)));
    }

    String folder() {
        return "step-%08d".formatted(step) + (attempt == 1 ? "" : "." + attempt);
    }

    String staging() {
        return STAGING + folder();
    }
}
