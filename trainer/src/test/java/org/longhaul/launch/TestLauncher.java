package org.longhaul.launch;

import java.time.Duration;
import java.util.Arrays;

/**
 * A launcher in a process of its own: {@code PROCESSES MAX_RESTARTS COMMAND…}; of several nodes with the properties test.nodes, test.node, test.port
 * and test.job.
 */
public final class TestLauncher {
    private TestLauncher() {}

    /** Runs the job and ends with its status. */
    public static void main(String[] args) {
        Launcher.Plan plan = new Launcher.Plan(Arrays.asList(args).subList(2, args.length), Integer.parseInt(args[0]),
                Integer.getInteger("test.nodes", 1), Integer.getInteger("test.node", 0), "127.0.0.1", Integer.getInteger("test.port", 0),
                System.getProperty("test.job", "job-" + ProcessHandle.current().pid()), Integer.parseInt(args[1]), Duration.ofSeconds(2));
        System.exit(new Launcher(plan, System.out).run());
    }
}
