package org.longhaul.launch;

import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import org.longhaul.error.ExitCode;

/**
 * Ends a rank whose launcher is gone: nobody would serve its rendezvous, pass signals on or start it again, and a new attempt must
 * not meet it in the same run folder. The launcher holds the other end of the rank's standard input for as long as it lives.
 */
public final class LauncherWatch {
    private LauncherWatch() {}

    /** Watches if this process was started by {@code longhaul launch}. */
    public static void start(Map<String, String> environment) {
        if (RankEnvironment.launched(environment)) {
            Thread thread = new Thread(() -> awaitEnd(System.in, environment.get("RANK")), "launcher-watch");
            thread.setDaemon(true);
            thread.start();
        }
    }

    private static void awaitEnd(InputStream in, String rank) {
        try {
            while (in.read() >= 0) {
                // The launcher writes nothing; only the end matters.
            }
        } catch (IOException e) {
            // A broken pipe is the end as well.
        }
        System.err.println("longhaul: rank " + rank + ": the launcher is gone; ending");
        Runtime.getRuntime().halt(ExitCode.INTERNAL.status());
    }
}
