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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
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
    /** How long a killed process may take to be gone, its memory given back. */
    private static final Duration DYING = Duration.ofMinutes(2);

    /** How long other nodes' ranks may take to end behind those of node 0. */
    private static final Duration LEAVING = Duration.ofMinutes(1);
    private static final Duration LEAVING_FOR_A_REQUEUE = Duration.ofSeconds(10);

    private final Plan plan;
    private final PrintStream out;
    private final CountDownLatch stopping = new CountDownLatch(1);
    private final Object turn = new Object();
    private Lobby lobby;
    private Attempt current;
    private String signal = "";
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
     * @param limits how long to wait for what
     * @param shareGpus ranks may be more than GPUs, see {@link SharedGpus}
     */
    record Plan(List<String> command, int processes, int nodes, int nodeRank, String host, int port, String job, int maxRestarts, Limits limits,
            boolean shareGpus) {}

    /** Runs the job; the exit status to end with. */
    int run() {
        try (Rendezvous rendezvous = plan.nodeRank() == 0 ? Rendezvous.serve(plan.port(), plan.job()) : null) {
            int port = rendezvous == null ? plan.port() : rendezvous.port();
            if (rendezvous != null) {
                // Until an attempt begins only launchers are welcome, and what they put outlives every attempt.
                rendezvous.reset(plan.job() + "/none");
            }
            try (Lobby meeting = plan.nodes() > 1 ? new Lobby(plan, rendezvous, port, this::stopping) : null) {
                lobby = meeting;
                Outcome outcome = rendezvous == null ? follow(port) : lead(rendezvous, port);
                if (outcome.wantsRequeue()) {
                    LOG.info("{}", outcome.cause());
                } else if (outcome.status() != 0) {
                    LOG.error("{}", outcome.cause());
                }
                return outcome.status();
            }
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
            Outcome outcome = judged(attempt(word, port, rendezvous), rendezvous, word);
            inRow = System.nanoTime() - began >= plan.limits().lasting().toNanos() ? 1 : inRow + 1;
            if (outcome.status() == 0 && lobby != null) {
                // Ranks of other nodes may still ask the store who has saved.
                rendezvous.holds(IntStream.range(0, plan.nodes() * plan.processes()).mapToObj(r -> Rendezvous.FAREWELL + r).toList(),
                        plan.limits().grace());
            }
            if (lobby != null && (outcome.status() == 0 || outcome.wantsRequeue())) {
                lobby.farewell(outcome.status() == 0 ? LEAVING : LEAVING_FOR_A_REQUEUE);
            }
            boolean last = stopping() || !outcome.mayBeMended() || inRow > plan.maxRestarts();
            if (lobby != null && outcome.status() != 0) {
                lobby.end(word, outcome.cause());
                if (last && !outcome.wantsRequeue()) {
                    lobby.close(outcome.status(), outcome.cause());
                }
            }
            if (last) {
                return outcome;
            }
            lastCause = outcome.cause();
            Duration pause = plan.limits().pauseBefore(inRow);
            LOG.warn("{}; starting all ranks again{}, restart {} of {}", outcome.cause(), pause.isZero() ? "" : " in " + pause.toSeconds() + " s", inRow,
                    plan.maxRestarts());
            if (stoppedWithin(pause)) {
                return Outcome.requeue("stopped by " + signal + " before the ranks were started again");
            }
        }
    }

    // What the launchers of all nodes have told decides, not what is known here.
    private Outcome judged(Outcome here, Rendezvous rendezvous, Lobby.Word word) {
        if (here.status() == 0 || here.wantsRequeue()) {
            return here;
        }
        List<Failure> known = new ArrayList<>();
        if (lobby != null) {
            List<Failure> lost = lobby.lost(lobby.failures(word));
            // Others may have been told meanwhile.
            known.addAll(lobby.failures(word));
            known.addAll(lost);
        } else if (current != null) {
            known.addAll(current.failures());
        }
        Optional<Failure> cause = Failure.first(known);
        rendezvous.value(RunPlace.KEY).ifPresent(place -> output = Path.of(new String(place, StandardCharsets.UTF_8)));
        if (cause.isEmpty()) {
            return here;
        }
        if (output != null) {
            FailureFile.append(output, word.attempt(), cause.get(), known);
        }
        // What cannot be ended here is said by this node alone.
        return here.stuck() ? here : new Outcome(cause.get().exit(), Failure.verdict(known));
    }

    private Outcome follow(int port) {
        Outcome before = Outcome.DONE;
        while (true) {
            Lobby.Word word = lobby.join();
            if (word.over()) {
                return new Outcome(word.status(), word.cause());
            }
            if (!word.cause().isEmpty() && !before.cause().isEmpty() && !word.cause().equals(before.cause())) {
                LOG.warn("what came first, by node 0: {}", word.cause());
            }
            Outcome outcome = attempt(word, port, null);
            if (stopping() || !outcome.mayBeMended()) {
                lobby.leave(outcome.status(), outcome.cause());
                return outcome;
            }
            LOG.warn("{}; coming for another attempt", outcome.cause());
            before = outcome;
        }
    }

    /** Passes a signal on to all ranks. After HUP, TERM, INT or USR1 nothing is tried again; a second INT kills the ranks. */
    void signal(String name) {
        synchronized (turn) {
            boolean again = stopping();
            if (!name.equals("USR2")) {
                signal = signal.isEmpty() ? "SIG" + name : signal;
                stopping.countDown();
            }
            if (current != null && again && name.equals("INT")) {
                current.kill();
            } else if (current != null) {
                current.signal(name);
            }
        }
    }

    private boolean stopping() {
        return stopping.getCount() == 0;
    }

    private boolean stoppedWithin(Duration pause) {
        try {
            return stopping.await(pause.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    private Outcome attempt(Lobby.Word word, int port, Rendezvous served) {
        int world = plan.processes() * plan.nodes();
        if (plan.shareGpus()) {
            LOG.warn("ranks share GPUs (--share-gpus): results are those of a GPU each, speeds and waiting times mean nothing");
        }
        if (plan.nodes() > 1) {
            int first = plan.nodeRank() * plan.processes();
            LOG.info("{} runs ranks {} to {} of {}, which meet at {} port {}, attempt {}", HostName.here(), first, first + plan.processes() - 1, world,
                    plan.host(), port, word.attempt() + 1);
        }
        Attempt attempt;
        FaultLines said = new FaultLines();
        // A signal comes before, and no rank is started, or behind, and all are told.
        synchronized (turn) {
            if (stopping()) {
                return Outcome.requeue("stopped by " + signal + " before the ranks were started");
            }
            List<Rank> started = new ArrayList<>();
            try {
                for (int local = 0; local < plan.processes(); local++) {
                    int rank = plan.nodeRank() * plan.processes() + local;
                    started.add(RankProcess.start(rank, plan.command(), environment(word, port, local), out, world > 1, said));
                }
            } catch (UserError e) {
                started.forEach(Rank::kill);
                current = null;
                return new Outcome(e.exitCode().status(), "node " + plan.nodeRank() + " (" + HostName.here() + "): " + e.getMessage());
            }
            attempt = new Attempt(plan.nodeRank(), started, plan.limits(), DYING, lobby != null ? lobby.others(word) : alone(served));
            current = attempt;
        }
        Outcome outcome = attempt.await();
        said.repeated().forEach(LOG::info);
        return outcome;
    }

    private Attempt.Others alone(Rendezvous served) {
        return new Attempt.Others() {
            @Override
            public String keepsWaiting() {
                return SaveMeeting.keepsWaiting(served.keys(SaveMeeting.PREFIX), plan.processes());
            }
        };
    }

    private Map<String, String> environment(Lobby.Word word, int port, int local) {
        int rank = plan.nodeRank() * plan.processes() + local;
        Map<String, String> env = new HashMap<>();
        env.put("RANK", Integer.toString(rank));
        env.put("WORLD_SIZE", Integer.toString(plan.processes() * plan.nodes()));
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
        return env;
    }
}
