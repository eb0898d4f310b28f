package org.longhaul.launch;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.longhaul.cli.Main;
import org.longhaul.error.UserError;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import sun.misc.Signal;

/** {@code longhaul launch}: one process per GPU on this node. */
@Command(name = "launch", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Starts one process per GPU on this node, passes signals on, prefixes their output, and restarts them after a failure.",
        footer = {"", "Example: longhaul launch --nproc 8 train configs/7b.yaml",
            "Several nodes: run it on each with --nodes, --node-rank, --host (node 0) and --job.",
            "Under Slurm no launcher is needed: srun longhaul train configs/7b.yaml, one task per GPU."})
final class LaunchCommand implements Callable<Integer> {
    @Option(names = "--nproc", required = true, description = "Processes on this node: one per GPU.")
    private int processes;

    @Option(names = "--nodes", defaultValue = "1", description = "Nodes of the job (default: ${DEFAULT-VALUE}).")
    private int nodes;

    @Option(names = "--node-rank", defaultValue = "0", description = "This node, from 0 (default: ${DEFAULT-VALUE}).")
    private int nodeRank;

    @Option(names = "--host", defaultValue = "127.0.0.1", description = "Host of node 0 (default: ${DEFAULT-VALUE}).")
    private String host;

    @Option(names = "--rendezvous-port", defaultValue = "0",
            description = "Port on node 0 where ranks meet; 0 picks a free one on a single node (default: ${DEFAULT-VALUE}).")
    private int port;

    @Option(names = "--job", description = "Names the job alike on all nodes.")
    private String job;

    @Option(names = "--max-restarts", defaultValue = "0",
            description = "How often to start all ranks again after a failure; node 0's counts (default: ${DEFAULT-VALUE}).")
    private int maxRestarts;

    @Option(names = "--grace", defaultValue = "60",
            description = "Seconds the ranks may take to save and end before they are killed (default: ${DEFAULT-VALUE}).")
    private long graceSeconds;

    @Option(names = "--join-timeout", defaultValue = "600",
            description = "Seconds the launchers of several nodes wait for each other, also after one was killed (default: ${DEFAULT-VALUE}).")
    private long joinSeconds;

    @Parameters(arity = "1..*", paramLabel = "COMMAND", description = "The longhaul command each rank runs, with its arguments.")
    private List<String> command;

    /** The rank's command keeps its own options. */
    @Spec
    void spec(CommandSpec spec) {
        spec.parser().stopAtPositional(true);
    }

    @Override
    public Integer call() {
        if (processes < 1 || nodes < 1 || nodeRank < 0 || nodeRank >= nodes || maxRestarts < 0) {
            throw UserError.badInput("--nproc and --nodes must be at least 1, --node-rank below --nodes, --max-restarts not negative");
        }
        if (nodes > 1 && (port == 0 || job == null)) {
            throw UserError.badInput("a job of " + nodes + " nodes needs the same --rendezvous-port and --job on each");
        }
        Launcher.Plan plan = new Launcher.Plan(javaCommand(), processes, nodes, nodeRank, host, port,
                job == null ? UUID.randomUUID().toString() : job, maxRestarts, Duration.ofSeconds(graceSeconds),
                Duration.ofSeconds(joinSeconds));
        Launcher launcher = new Launcher(plan, System.out);
        for (String name : List.of("TERM", "INT", "USR1", "USR2")) {
            Signal.handle(new Signal(name), signal -> launcher.signal(signal.getName()));
        }
        return launcher.run();
    }

    /** This JVM's own program, flags and class path, running the given command. */
    private List<String> javaCommand() {
        List<String> line = new ArrayList<>();
        line.add(ProcessHandle.current().info().command()
                .orElseThrow(() -> UserError.environment("the running Java cannot be found to start further processes")));
        line.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        line.add("-cp");
        line.add(System.getProperty("java.class.path"));
        line.add(Main.class.getName());
        line.addAll(command);
        return line;
    }
}
