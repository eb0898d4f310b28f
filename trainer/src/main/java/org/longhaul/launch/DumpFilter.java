package org.longhaul.launch;

import java.util.regex.Pattern;

/** Of what a Java process writes on SIGQUIT, hundreds of lines, those about the threads that train and save; lines before are none of it. */
final class DumpFilter {
    private static final Pattern THREAD = Pattern.compile("\"(.*?)\" .*(tid|nid)=.*");
    private static final Pattern OURS = Pattern.compile("main|checkpoint-(read|write).*|nccl-watch");

    private boolean dump;
    private boolean ours;

    /** Whether a person should see this line. */
    boolean passes(String line) {
        if (line.startsWith("Full thread dump")) {
            dump = true;
            return true;
        }
        if (!dump) {
            return true;
        }
        var thread = THREAD.matcher(line);
        if (thread.matches()) {
            ours = OURS.matcher(thread.group(1)).matches();
        } else if (line.isBlank()) {
            ours = false;
        }
        return ours;
    }
}
