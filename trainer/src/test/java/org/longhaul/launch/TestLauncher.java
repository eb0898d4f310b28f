package org.longhaul.launch;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import sun.misc.Signal;

/**
 * A launcher in a process of its own: {@code PROCESSES MAX_RESTARTS COMMAND…}; of several nodes with the properties test.nodes, test.node, test.port
 * and test.job, on shared GPUs with test.share.
 */
public final class TestLauncher {
    private TestLauncher() {}

    /** Runs the job and ends with its status. */
    public static void main(String[] args) {
        Launcher.Plan plan = new Launcher.Plan(Arrays.asList(args).subList(2, args.length), Integer.parseInt(args[0]),
                Integer.getInteger("test.nodes", 1), Integer.getInteger("test.node", 0), "127.0.0.1", Integer.getInteger("test.port", 0),
                System.getProperty("test.job", "job-" + ProcessHandle.current().pid()), Integer.parseInt(args[1]),
                new Limits(Duration.ofHours(1), Duration.ofSeconds(Integer.getInteger("test.grace", 5)), Duration.ofSeconds(Integer.getInteger("test.save", 0)), Duration.ofSeconds(60), Duration.ZERO,
                        Duration.ofSeconds(Integer.getInteger("test.silence", 120))),
                Boolean.getBoolean("test.share"));
        Launcher launcher = new Launcher(plan, System.out);
        for (String name : List.of("TERM", "USR1")) {
            Signal.handle(new Signal(name), signal -> launcher.signal(signal.getName()));
        }
        System.exit(launcher.run());
    }
}
