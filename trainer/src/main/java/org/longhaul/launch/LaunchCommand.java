package org.longhaul.launch;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.stream.LongStream;
import org.longhaul.cli.LineStamp;
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
        footer = {"", "Examples: longhaul launch --nproc 8 train configs/7b.yaml",
            "          longhaul launch --nproc 4 --share-gpus verify-layout configs/7b.yaml model.layers=4 --layouts tp4,pp2.dp2 --random",
            "Several nodes: run it on each. Slurm (srun --ntasks-per-node=1) and NNODES, NODE_RANK, MASTER_ADDR, MASTER_PORT and LONGHAUL_JOB in the "
                + "environment say which node this is; so do --nodes, --node-rank, --host, --rendezvous-port and --job, which win. See docs/clusters.md.",
            "Under Slurm it also goes without a launcher: srun longhaul train configs/7b.yaml, one task per GPU."})
final class LaunchCommand implements Callable<Integer> {
    private static final String HEAP_SHARE = "-XX:MaxRAMPercentage=";
    private static final Duration LASTING = Duration.ofHours(1);
    private static final int MOST_PORT = 65_535;
    /** A year. */
    private static final long MOST_SECONDS = 365L * 24 * 3600;

    @Option(names = "--nproc", paramLabel = "N", required = true, description = "Processes on this node: one per GPU.")
    private int processes;

    @Option(names = "--share-gpus",
            description = "Try a layout where there are fewer GPUs than ranks: rank R of a node takes GPU R modulo their number, ranks of a GPU take turns. "
                    + "Slow, and speeds mean nothing; results are those of a GPU each.")
    private boolean shareGpus;

    @Option(names = "--nodes", paramLabel = "N", description = "Nodes of the job (default: what the environment says, else 1).")
    private Integer nodes;

    @Option(names = "--node-rank", paramLabel = "N", description = "This node, from 0 (default: what the environment says, else 0).")
    private Integer nodeRank;

    @Option(names = "--host", paramLabel = "HOST", description = "Host of node 0 (default: what the environment says, else 127.0.0.1).")
    private String host;

    @Option(names = "--rendezvous-port", paramLabel = "N",
            description = "Port on node 0 where ranks meet; 0 picks a free one on a single node (default: what the environment says, else 0).")
    private Integer port;

    @Option(names = "--job", paramLabel = "NAME", description = "Names the job alike on all nodes (default: what the environment says).")
    private String job;

    @Option(names = "--max-restarts", paramLabel = "N", defaultValue = "0",
            description = "How often to start all ranks again after failures in a row, which an attempt of an hour or more forgets; node 0's counts "
                    + "(default: ${DEFAULT-VALUE}).")
    private int maxRestarts;

    @Option(names = "--grace", paramLabel = "SECONDS", defaultValue = "60",
            description = "Seconds the other ranks may take to end after a failure before they are killed (default: ${DEFAULT-VALUE}).")
    private long graceSeconds;

    @Option(names = "--save-timeout", paramLabel = "SECONDS", defaultValue = "${env:LONGHAUL_SAVE_TIMEOUT:-0}",
            description = "Seconds ranks may take to save and end after SIGTERM, SIGUSR1 or Ctrl-C; then those that are left are named and killed and the "
                    + "launcher ends with 3. Choose less than the scheduler allows and more than the slowest step and save (default: "
                    + "LONGHAUL_SAVE_TIMEOUT, else 0: no limit, but who is still there is named after 20 s, a minute and so on).")
    private long saveSeconds;

    @Option(names = "--restart-pause", paramLabel = "SECONDS", defaultValue = "10",
            description = "Seconds before the second restart in a row, three times as long before each further one, up to 300; the first is at once "
                    + "(default: ${DEFAULT-VALUE}).")
    private long pauseSeconds;

    @Option(names = "--node-timeout", paramLabel = "SECONDS", defaultValue = "120",
            description = "Seconds after which a node whose launcher is not heard of is named and the attempt ends; 0 leaves it to the ranks to notice "
                    + "(default: ${DEFAULT-VALUE}).")
    private long silenceSeconds;

    @Option(names = "--join-timeout", paramLabel = "SECONDS", defaultValue = "600",
            description = "Seconds the launchers of several nodes wait for each other, also after one was killed (default: ${DEFAULT-VALUE}).")
    private long joinSeconds;

    @Parameters(arity = "1..*", paramLabel = "COMMAND", description = "The longhaul command each rank runs, with its arguments.")
    private List<String> command;

    private CommandSpec spec;

    /** The rank's command keeps its own options. */
    @Spec
    void spec(CommandSpec spec) {
        this.spec = spec;
        spec.parser().stopAtPositional(true);
    }

    @Override
    public Integer call() {
        Launcher.Plan plan = plan(nodes != null && nodes == 1 ? NodeEnvironment.detect(Map.of()) : NodeEnvironment.detect(System.getenv()));
        Set<String> known = spec.root().subcommands().keySet();
        if (!known.contains(command.get(0))) {
            throw UserError.badInput("launch: unknown command '" + command.get(0) + "' for the ranks; there are " + String.join(", ", new TreeSet<>(known)));
        }
        for (LaunchCheck check : ServiceLoader.load(LaunchCheck.class)) {
            check.require(command, plan.processes() * plan.nodes());
        }
        LineStamp.begin(plan.nodes() > 1 ? "[node " + plan.nodeRank() + "] " : "");
        Launcher launcher = new Launcher(plan, System.out);
        for (String name : List.of("HUP", "TERM", "INT", "USR1", "USR2")) {
            Signal.handle(new Signal(name), signal -> launcher.signal(signal.getName()));
        }
        return launcher.run();
    }

    private Launcher.Plan plan(NodeEnvironment env) {
        int count = nodes != null ? nodes : env.nodes();
        int rank = nodeRank != null ? nodeRank : env.nodeRank();
        int meetingPort = port != null ? port : env.port();
        Optional<String> name = job != null ? Optional.of(job) : env.job();
        if (processes < 1 || count < 1 || rank < 0 || rank >= count || maxRestarts < 0) {
            throw UserError.badInput("--nproc and --nodes must be at least 1, --node-rank below --nodes, --max-restarts not negative: node rank " + rank
                    + " of " + count + " nodes, --nproc " + processes + ", --max-restarts " + maxRestarts);
        }
        if (meetingPort < 0 || meetingPort > MOST_PORT) {
            throw UserError.badInput("--rendezvous-port (or MASTER_PORT) must lie between 0 and " + MOST_PORT + ": " + meetingPort);
        }
        if (count > 1 && (meetingPort == 0 || name.isEmpty())) {
            throw UserError.badInput("a job of " + count + " nodes needs the same --rendezvous-port (or MASTER_PORT) and --job (or LONGHAUL_JOB) on each");
        }
        if (LongStream.of(graceSeconds, saveSeconds, joinSeconds, pauseSeconds, silenceSeconds).anyMatch(s -> s < 0 || s > MOST_SECONDS)) {
            throw UserError.badInput("--grace, --save-timeout, --join-timeout, --restart-pause and --node-timeout are seconds from 0 to " + MOST_SECONDS + ": "
                    + graceSeconds + ", " + saveSeconds + ", " + joinSeconds + ", " + pauseSeconds + ", " + silenceSeconds);
        }
        Limits limits = new Limits(LASTING, Duration.ofSeconds(graceSeconds), Duration.ofSeconds(saveSeconds), Duration.ofSeconds(joinSeconds),
                Duration.ofSeconds(pauseSeconds), Duration.ofSeconds(silenceSeconds));
        return new Launcher.Plan(javaCommand(), processes, count, rank, host != null ? host : env.host(), meetingPort,
                name.orElseGet(() -> UUID.randomUUID().toString()), maxRestarts, limits, shareGpus);
    }

    /**
     * This JVM's options for each of so many processes on one machine: the heaps together stay below half of its memory, and each sizes its threads by its
     * share of the cores.
     */
    static List<String> share(List<String> options, int processes, int cores) {
        List<String> shared = new ArrayList<>();
        boolean counted = processes == 1;
        for (String option : options) {
            counted |= option.startsWith("-XX:ActiveProcessorCount=");
            if (option.startsWith(HEAP_SHARE)) {
                shared.add(HEAP_SHARE + Math.min(Double.parseDouble(option.substring(HEAP_SHARE.length())), 50.0 / processes));
            } else {
                shared.add(option);
            }
        }
        if (!counted) {
            shared.add("-XX:ActiveProcessorCount=" + Math.max(2, cores / processes));
        }
        return shared;
    }

    /** This JVM's own program, flags and class path, running the given command. */
    private List<String> javaCommand() {
        List<String> line = new ArrayList<>();
        line.add(ProcessHandle.current().info().command()
                .orElseThrow(() -> UserError.environment("the running Java cannot be found to start further processes")));
        line.addAll(share(ManagementFactory.getRuntimeMXBean().getInputArguments(), processes, Runtime.getRuntime().availableProcessors()));
        // A rank writes into a pipe, wherever the launcher's own lines go.
        line.add("-Dlonghaul.terminal=false");
        line.add("-cp");
        line.add(System.getProperty("java.class.path"));
        line.add(Main.class.getName());
        line.addAll(command);
        return line;
    }
}
