package org.longhaul.launch;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
import org.longhaul.parallel.Rendezvous;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the launchers of several nodes agree on attempts, in the rendezvous store that node 0's launcher serves. An attempt begins when every
 * node has come for it, also after a launcher was killed and started again, and ends everywhere when it ends on node 0 or a node comes anew.
 * Node 0 counts attempts and says when the job is over.
 */
final class Lobby implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Lobby.class);
    private static final String FAILURE = "failure/";
    private static final Duration QUICK = Duration.ofSeconds(3);
    /** How long a launcher that is there may take to be heard. */
    private static final Duration HEARING = Duration.ofSeconds(8);

    private final Rendezvous.Client store;
    private final int node;
    private final int nodes;
    private final int ranks;
    private final Limits limits;
    private final BooleanSupplier stopping;
    private final Rendezvous served;
    private final Pulse pulse;
    private final Map<Integer, String> taken = new HashMap<>();
    private long unreachableSince;
    private boolean unreachable;

    /**
     * What to do next.
     *
     * @param token names the attempt's job to its ranks; empty when the job is over
     * @param attempt counted from 0
     * @param status to end with when the job is over
     * @param cause why it is, or why the attempt before failed
     */
    record Word(String token, int attempt, int status, String cause) {
        boolean over() {
            return token.isEmpty();
        }
    }

    /** {@code served} is the store on node 0, null elsewhere; {@code stopping} says that this launcher was asked to end, which ends its waiting. */
    Lobby(Launcher.Plan plan, Rendezvous served, int port, BooleanSupplier stopping) {
        this.store = new Rendezvous.Client(plan.nodeRank() == 0 ? "127.0.0.1" : plan.host(), port, plan.job(), QUICK);
        this.node = plan.nodeRank();
        this.nodes = plan.nodes();
        this.ranks = plan.nodes() * plan.processes();
        this.limits = plan.limits();
        this.stopping = stopping;
        this.served = served;
        this.pulse = node == 0 ? Pulse.listening(served, nodes) : Pulse.beating(store, node);
    }

    /** Node 0: waits until every other node has come for the next attempt; nothing has begun yet. */
    Word gather(int attempt, String lastCause) {
        long deadline = System.nanoTime() + limits.join().toNanos();
        for (int k = 1; k < nodes; k++) {
            boolean said = false;
            while (comer(k).isEmpty()) {
                Optional<String> left = leaving(k).filter(words -> !words.startsWith("0\n"));
                if (left.isPresent()) {
                    String[] words = left.get().split("\n", 2);
                    return new Word("", attempt, Integer.parseInt(words[0]), words[1]);
                }
                if (System.nanoTime() > deadline) {
                    throw UserError.environment("the launcher of node " + k + pulse.host(k) + " did not come within " + limits.join().toSeconds()
                            + " s; start it with --node-rank " + k + " and the same --job, --host and --rendezvous-port");
                }
                if (!said && attempt > 0) {
                    LOG.info("waiting for the launcher of node {}{}", k, pulse.host(k));
                    said = true;
                }
                pause();
            }
        }
        // What a launcher before this one said under the same job and attempt must not be believed.
        return new Word(UUID.randomUUID().toString(), attempt, 0, lastCause);
    }

    /** Node 0: tells every node that has come. */
    void tell(Word word) {
        for (int k = 1; k < nodes; k++) {
            Optional<String> id = comer(k);
            if (id.isPresent()) {
                taken.put(k, id.get());
                put("word/" + id.get(), word.token + "\n" + word.attempt + "\n" + word.status + "\n" + word.cause);
            }
        }
    }

    /** Node 0: tells the others that the job is over, waiting a moment for those that have not asked yet. */
    void close(int status, String cause) {
        farewell(QUICK.multipliedBy(3));
        tell(new Word("", 0, status, cause));
    }

    /** Another node: comes for the next attempt and waits for the word. */
    Word join() {
        String id = UUID.randomUUID().toString();
        boolean here = false;
        long deadline = System.nanoTime() + limits.join().toNanos();
        while (true) {
            try {
                if (!here) {
                    // What a launcher before this one left.
                    put("leave/" + node, "");
                    here = true;
                }
                put("join/" + node, id);
                Optional<String> word = find("word/" + id, QUICK.dividedBy(2));
                if (word.isPresent()) {
                    String[] w = word.get().split("\n", 4);
                    return new Word(w[0], Integer.parseInt(w[1]), Integer.parseInt(w[2]), w[3]);
                }
            } catch (UserError e) {
                // Node 0's launcher may be about to start, or to start again.
                if (System.nanoTime() > deadline) {
                    throw UserError.environment("the launcher of node 0 did not start an attempt within " + limits.join().toSeconds() + " s: "
                            + e.getMessage(), e);
                }
                pause();
            }
            requireWanted();
            if (System.nanoTime() > deadline) {
                throw UserError.environment("not all nodes came within " + limits.join().toSeconds() + " s; each of the " + nodes
                        + " needs a launcher with its --node-rank");
            }
        }
    }

    /** Another node: will not come again. */
    void leave(int status, String cause) {
        try {
            put("leave/" + node, status + "\nnode " + node + " (" + HostName.here() + "): " + cause);
        } catch (UserError e) {
            LOG.debug("node 0 is gone already", e);
        }
    }

    /** Node 0: an attempt is over here, and what came first. */
    void end(Word word, String cause) {
        put("end/" + word.token, cause);
    }

    /**
     * Node 0: its own ranks have ended well. Those of other nodes may take longer to give their memory back, and would be taken for deserted if this launcher
     * ended before theirs.
     */
    void farewell(Duration within) {
        long deadline = System.nanoTime() + within.toNanos();
        for (int k = 1; k < nodes; k++) {
            while (!pulse.quiet(k, QUICK) && comer(k).isEmpty() && leaving(k).isEmpty() && System.nanoTime() < deadline) {
                rest();
            }
        }
    }

    /** Tells all nodes how one of this node's ranks failed, as soon as it is known: their order is the order of the causes. */
    void tell(Word word, Failure failure) {
        try {
            put(FAILURE + word.token + "/" + (failure.lost() ? "node" + failure.node() : failure.rank()), failure.json());
        } catch (UserError e) {
            LOG.debug("node 0 does not learn of it: {}", e.getMessage());
        }
    }

    /** Node 0: the failures of an attempt that all nodes told, in their order. */
    List<Failure> failures(Word word) {
        return served.kept(FAILURE + word.token + "/").stream().map(Failure::of).toList();
    }

    /**
     * Node 0: nodes that are gone without a word, where the failures that are known do not say themselves what began. A machine that went down with its
     * connections may have done so only a moment ago: whoever is still there is given the time to be heard.
     */
    List<Failure> lost(List<Failure> known) {
        boolean explained = Failure.first(known).filter(f -> f.lost() || !f.hung() && !f.namesAnother()).isPresent();
        // Whoever leaves, or comes for another attempt, has told before how its ranks ended.
        return explained ? List.of() : pulse.unheard(HEARING, k -> leaving(k).isPresent() || comer(k).isPresent());
    }

    /** What a node's ranks of an attempt must know of the other nodes. */
    Attempt.Others others(Word word) {
        return new Attempt.Others() {
            @Override
            public boolean watched() {
                return true;
            }

            @Override
            public Optional<Attempt.Gone> gone() {
                return node == 0 ? anyGone() : ended(word);
            }

            @Override
            public void tell(Failure failure) {
                Lobby.this.tell(word, failure);
            }

            @Override
            public String keepsWaiting() {
                return served == null ? "" : SaveMeeting.keepsWaiting(served.keys(SaveMeeting.PREFIX), ranks);
            }
        };
    }

    private Optional<Attempt.Gone> anyGone() {
        for (int k = 1; k < nodes; k++) {
            String who = "node " + k + pulse.host(k);
            if (comer(k).isPresent()) {
                return Optional.of(new Attempt.Gone("the ranks of " + who + " have ended, or its launcher was started anew", Optional.empty()));
            }
            Optional<String> words = leaving(k);
            if (words.isPresent() && !left(k)) {
                return Optional.of(new Attempt.Gone(words.get().split("\n", 2)[1], Optional.empty()));
            }
        }
        return limits.silence().isZero() ? Optional.empty()
                : pulse.silent(limits.silence(), this::left).map(f -> new Attempt.Gone(f.text(), Optional.of(f)));
    }

    // Whether a node has ended as it should: its silence means nothing.
    private boolean left(int k) {
        return leaving(k).filter(words -> words.startsWith("0\n") || words.startsWith(ExitCode.REQUEUE.status() + "\n")).isPresent();
    }

    private Optional<String> leaving(int k) {
        return find("leave/" + k, Duration.ZERO).filter(words -> !words.isEmpty());
    }

    private Optional<Attempt.Gone> ended(Word word) {
        try {
            Optional<String> end = find("end/" + word.token, Duration.ZERO);
            unreachable = false;
            return end.map(v -> new Attempt.Gone("node 0 has ended the attempt" + (v.isEmpty() ? "" : ": " + v), Optional.empty()));
        } catch (UserError e) {
            if (!unreachable) {
                unreachable = true;
                unreachableSince = System.nanoTime();
            }
            // A port that nobody serves any more, or another job does, tells at once; a name or a way that is missing may come back.
            boolean sure = !(e.getCause() instanceof IOException io) || String.valueOf(io.getMessage()).contains("refused");
            boolean patient = limits.silence().isZero() || System.nanoTime() - unreachableSince < limits.silence().toNanos();
            return !sure && patient ? Optional.empty()
                    : Optional.of(new Attempt.Gone("the launcher of node 0 is gone: " + e.getMessage(), Optional.empty()));
        }
    }

    private Optional<String> comer(int k) {
        return find("join/" + k, Duration.ZERO).filter(id -> !id.equals(taken.get(k)));
    }

    private void put(String key, String value) {
        store.put(key, value.getBytes(StandardCharsets.UTF_8));
    }

    private Optional<String> find(String key, Duration within) {
        return store.find(key, within).map(v -> new String(v, StandardCharsets.UTF_8));
    }

    private void pause() {
        requireWanted();
        rest();
    }

    private void requireWanted() {
        if (stopping.getAsBoolean()) {
            throw UserError.requeue("asked to end while waiting for the launchers of other nodes");
        }
    }

    private static void rest() {
        try {
            Thread.sleep(200);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw UserError.environment("interrupted while waiting for the other nodes' launchers");
        }
    }

    @Override
    public void close() {
        pulse.close();
    }
}
