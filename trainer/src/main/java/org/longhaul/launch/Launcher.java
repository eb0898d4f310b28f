package org.longhaul.launch;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.longhaul.error.ExitCode;
import org.longhaul.parallel.Rendezvous;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts one process per rank on this node, passes signals on, and ends with the first failure's status and cause; starts the
 * ranks again, up to a number of times, when they failed in a way that another attempt may mend.
 */
final class Launcher {
    private static final Logger LOG = LoggerFactory.getLogger(Launcher.class);

    /** Of libtorch on the CPU: each rank takes its share of the cores. */
    private static final String THREADS = "OMP_NUM_THREADS";
    /** Statuses of processes that TERM, INT or USR1 ended. */
    private static final Set<Integer> ASKED = Set.of(128 + 15, 128 + 2, 128 + 10);

    /** How long ranks may take to end when others had nothing to save. */
    private static final Duration EARLY = Duration.ofSeconds(5);

    private static final long LOOK = TimeUnit.SECONDS.toNanos(1);

    private final Plan plan;
    private final PrintStream out;
    private Lobby lobby;
    private volatile List<RankProcess> ranks = List.of();
    private volatile boolean stopping;
    private final List<Failure> failures = new ArrayList<>();
    private Path output;

    Launcher(Plan plan, PrintStream out) {
        this.plan = plan;
        this.out = out;
    }

    /**
     * What to run where.
     *
     * @param command the rank's program and arguments
     * @param processes ranks on this node
     * @param nodes nodes of the job
     * @param nodeRank this node
     * @param host where node 0 serves the rendezvous
     * @param port its port; 0 picks a free one, on a single node only
     * @param job names the job to its ranks on all nodes
     * @param maxRestarts further attempts after failures in a row
     * @param lasting how long an attempt must live for its failure to be the first in a row again
     * @param grace how long ranks may take to save and end after TERM before they are killed
     * @param join how long the launchers of several nodes wait for each other
     * @param shareGpus ranks may be more than GPUs, see {@link SharedGpus}
     */
    record Plan(List<String> command, int processes, int nodes, int nodeRank, String host, int port, String job, int maxRestarts,
            Duration lasting, Duration grace, Duration join, boolean shareGpus) {}

    /** Runs the job; the exit status to end with. */
    int run() {
        try (Rendezvous rendezvous = plan.nodeRank() == 0 ? Rendezvous.serve(plan.port(), plan.job()) : null) {
            int port = rendezvous == null ? plan.port() : rendezvous.port();
            lobby = plan.nodes() > 1 ? new Lobby(plan, port, () -> stopping) : null;
            if (rendezvous != null) {
                // Until an attempt begins only launchers are welcome, and what they put outlives every attempt.
                rendezvous.reset(plan.job() + "/none");
            }
            Outcome outcome = rendezvous == null ? follow(port) : lead(rendezvous, port);
            if (outcome.status == ExitCode.REQUEUE.status()) {
                LOG.info("{}", outcome.cause);
            } else if (outcome.status != 0) {
                LOG.error("{}", outcome.cause);
            }
            return outcome.status;
        }
    }

    // Node 0 counts the attempts.
    private Outcome lead(Rendezvous rendezvous, int port) {
        int inRow = 0;
        String lastCause = "";
        for (int attempt = 0; ; attempt++) {
            Lobby.Word word = lobby == null ? new Lobby.Word(plan.job(), attempt, 0, "") : lobby.gather(attempt, lastCause);
            if (word.over()) {
                lobby.close(word.status(), word.cause());
                return new Outcome(word.status(), word.cause());
            }
            rendezvous.reset(word.token() + "/" + attempt);
            if (lobby != null) {
                lobby.tell(word);
            }
            long began = System.nanoTime();
            Outcome outcome = judged(attempt(word, port), rendezvous, word);
            inRow = System.nanoTime() - began >= plan.lasting().toNanos() ? 1 : inRow + 1;
            if (outcome.status == 0 && lobby != null) {
                // Ranks of other nodes may still ask the store who has saved.
                rendezvous.holds(IntStream.range(0, plan.nodes() * plan.processes()).mapToObj(r -> Rendezvous.FAREWELL + r).toList(), plan.grace());
            }
            boolean last = outcome.status == 0 || stopping || !another(outcome.status) || inRow > plan.maxRestarts();
            if (lobby != null && outcome.status != 0) {
                lobby.end(word, outcome.cause);
                if (last && outcome.status != ExitCode.REQUEUE.status()) {
                    lobby.close(outcome.status, outcome.cause);
                }
            }
            if (last) {
                return outcome;
            }
            lastCause = outcome.cause;
            LOG.warn("{}; starting all ranks again, restart {} of {}", outcome.cause, inRow, plan.maxRestarts());
        }
    }

    // What the launchers of all nodes have told decides, not what is known here.
    private Outcome judged(Outcome here, Rendezvous rendezvous, Lobby.Word word) {
        if (here.status == 0 || here.status == ExitCode.REQUEUE.status()) {
            return here;
        }
        List<Failure> known = lobby == null ? failures : lobby.failures(rendezvous, word);
        Optional<Failure> cause = Failure.first(known);
        rendezvous.value(RunPlace.KEY).ifPresent(place -> output = Path.of(new String(place, StandardCharsets.UTF_8)));
        if (cause.isEmpty()) {
            return here;
        }
        if (output != null) {
            FailureFile.append(output, word.attempt(), cause.get(), known);
        }
        return new Outcome(cause.get().exit(), cause.get().text());
    }

    private Outcome follow(int port) {
        Outcome before = null;
        while (true) {
            Lobby.Word word = lobby.join();
            if (word.over()) {
                return new Outcome(word.status(), word.cause());
            }
            if (before != null && !word.cause().isEmpty() && !word.cause().equals(before.cause)) {
                LOG.warn("what came first, by node 0: {}", word.cause());
            }
            Outcome outcome = attempt(word, port);
            if (outcome.status == 0 || stopping || !another(outcome.status)) {
                if (outcome.status != 0) {
                    lobby.leave(outcome.status, outcome.cause);
                }
                return outcome;
            }
            LOG.warn("{}; coming for another attempt", outcome.cause);
            before = outcome;
        }
    }

    /**
     * Passes a signal on to all ranks. After TERM, INT or USR1 a failure is not tried again. INT goes on as TERM, since a terminal's Ctrl-C reaches the
     * ranks as well, and their second INT would end them without saving; the launcher's second one kills them.
     */
    void signal(String name) {
        boolean again = stopping;
        stopping = stopping || !name.equals("USR2");
        if (again && name.equals("INT")) {
            ranks.forEach(RankProcess::kill);
            return;
        }
        ranks.forEach(rank -> rank.signal(name.equals("INT") ? "TERM" : name));
    }

    /** Wrong input stays wrong, and a requeue is the scheduler's to answer. */
    private static boolean another(int status) {
        return status != ExitCode.BAD_INPUT.status() && status != ExitCode.REQUEUE.status();
    }

    private Outcome attempt(Lobby.Word word, int port) {
        BlockingQueue<RankProcess> ended = new LinkedBlockingQueue<>();
        List<RankProcess> started = new ArrayList<>();
        int world = plan.processes() * plan.nodes();
        if (plan.shareGpus()) {
            LOG.warn("ranks share GPUs (--share-gpus): results are those of a GPU each, speeds and waiting times mean nothing");
        }
        if (plan.nodes() > 1) {
            int first = plan.nodeRank() * plan.processes();
            LOG.info("{} runs ranks {} to {} of {}, which meet at {} port {}, attempt {}", HostName.here(), first, first + plan.processes() - 1, world,
                    plan.host(), port, word.attempt() + 1);
        }
        for (int local = 0; local < plan.processes(); local++) {
            int rank = plan.nodeRank() * plan.processes() + local;
            Map<String, String> env = new HashMap<>();
            env.put("RANK", Integer.toString(rank));
            env.put("WORLD_SIZE", Integer.toString(world));
            env.put("LOCAL_RANK", Integer.toString(local));
            env.put("LOCAL_WORLD_SIZE", Integer.toString(plan.processes()));
            env.put("MASTER_ADDR", plan.host());
            env.put("MASTER_PORT", Integer.toString(port));
            env.put("LONGHAUL_RENDEZVOUS", "launcher");
            env.put("LONGHAUL_JOB_TOKEN", word.token());
            if (plan.processes() > 1 && System.getenv(THREADS) == null) {
                env.put(THREADS, Integer.toString(Math.max(1, Runtime.getRuntime().availableProcessors() / plan.processes())));
            }
            env.put("LONGHAUL_ATTEMPT", Integer.toString(word.attempt()));
            if (plan.shareGpus()) {
                env.putAll(SharedGpus.environment(rank, plan.nodes(), System.getenv()));
            }
            RankProcess process = RankProcess.start(rank, plan.command(), env, out, world > 1);
            process.onExit().thenAccept(ended::add);
            started.add(process);
        }
        ranks = List.copyOf(started);
        try {
            return await(ended, word);
        } finally {
            ranks.stream().filter(RankProcess::alive).forEach(RankProcess::kill);
        }
    }

    private Outcome await(BlockingQueue<RankProcess> ended, Lobby.Word word) {
        Outcome first = new Outcome(0, "");
        boolean requeue = false;
        boolean early = false;
        boolean killed = false;
        int left = plan.processes();
        long deadline = Long.MAX_VALUE;
        failures.clear();
        try {
            while (left > 0) {
                boolean watches = lobby != null && first.status == 0;
                long wait = deadline == Long.MAX_VALUE ? Long.MAX_VALUE : Math.max(1, deadline - System.nanoTime());
                RankProcess process = ended.poll(watches ? Math.min(wait, LOOK) : wait, TimeUnit.NANOSECONDS);
                if (process == null && watches && (deadline == Long.MAX_VALUE || System.nanoTime() < deadline)) {
                    Optional<String> gone = lobby.ended(word);
                    if (gone.isPresent()) {
                        // Without the other node's ranks ours can neither go on nor save.
                        first = new Outcome(ExitCode.ENVIRONMENT.status(), gone.get());
                        killed = kill();
                    }
                    continue;
                }
                if (process == null) {
                    LOG.warn("{} of {} ranks did not end within {} s of the signal; killing them", left, plan.processes(),
                            (early ? shorter(plan.grace()) : plan.grace()).toSeconds());
                    killed = kill();
                    deadline = Long.MAX_VALUE;
                    continue;
                }
                left--;
                int status = process.status();
                // One that the signal met before it listened, or before training began, has lost nothing, nor can the others save without it.
                if (status == ExitCode.REQUEUE.status() || stopping && ASKED.contains(status)) {
                    requeue = true;
                    if (status != ExitCode.REQUEUE.status() && !early && deadline == Long.MAX_VALUE) {
                        early = true;
                        deadline = System.nanoTime() + shorter(plan.grace()).toNanos();
                    }
                } else if (status != 0 && !killed && !(first.status != 0 && ASKED.contains(status))) {
                    Failure failure = new Failure(plan.nodeRank(), HostName.here(), process.rank(), process.pid(), status,
                            process.lastWords().replaceFirst("^longhaul: ", ""));
                    failures.add(failure);
                    if (lobby != null) {
                        lobby.tell(word, failure);
                    }
                    if (first.status == 0 && left > 0) {
                        LOG.warn("rank {} is gone; stopping the other {} of this node", process.rank(), left);
                        ranks.stream().filter(RankProcess::alive).forEach(r -> r.signal("TERM"));
                        deadline = System.nanoTime() + plan.grace().toNanos();
                    }
                    Failure cause = Failure.first(failures).orElseThrow();
                    first = new Outcome(cause.exit(), cause.text());
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Outcome(ExitCode.INTERNAL.status(), "the launcher was interrupted");
        }
        if (early && requeue && (first.status == 0 || first.status == ExitCode.ENVIRONMENT.status())) {
            return new Outcome(ExitCode.REQUEUE.status(), "stopped by a signal before training began everywhere");
        }
        if (first.status == 0 && requeue) {
            return new Outcome(ExitCode.REQUEUE.status(), "stopped by a signal after saving");
        }
        return first;
    }

    private boolean kill() {
        ranks.stream().filter(RankProcess::alive).forEach(RankProcess::kill);
        return true;
    }

    private static Duration shorter(Duration grace) {
        return grace.compareTo(EARLY) < 0 ? grace : EARLY;
    }

    private record Outcome(int status, String cause) {}
}
