package org.longhaul.launch;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import org.longhaul.error.UserError;
import org.longhaul.parallel.Rendezvous;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the launchers of several nodes agree on attempts, in the rendezvous store that node 0's launcher serves. An attempt begins when every
 * node has come for it, also after a launcher was killed and started again, and ends everywhere when it ends on node 0 or a node comes anew.
 * Node 0 counts attempts and says when the job is over.
 */
final class Lobby {
    private static final Logger LOG = LoggerFactory.getLogger(Lobby.class);
    private static final String FAILURE = "failure/";
    private static final Duration QUICK = Duration.ofSeconds(3);

    private final Rendezvous.Client store;
    private final int node;
    private final int nodes;
    private final Duration patience;
    private final BooleanSupplier stopping;
    private final Map<Integer, String> taken = new HashMap<>();

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

    /** {@code stopping} says that this launcher was asked to end, which ends its waiting. */
    Lobby(Launcher.Plan plan, int port, BooleanSupplier stopping) {
        this.store = new Rendezvous.Client(plan.nodeRank() == 0 ? "127.0.0.1" : plan.host(), port, plan.job(), QUICK);
        this.node = plan.nodeRank();
        this.nodes = plan.nodes();
        this.patience = plan.join();
        this.stopping = stopping;
    }

    /** Node 0: waits until every other node has come for the next attempt; nothing has begun yet. */
    Word gather(int attempt, String lastCause) {
        long deadline = System.nanoTime() + patience.toNanos();
        for (int k = 1; k < nodes; k++) {
            boolean said = false;
            while (comer(k).isEmpty()) {
                Optional<String> left = find("leave/" + k, Duration.ZERO);
                if (left.isPresent()) {
                    String[] words = left.get().split("\n", 2);
                    return new Word("", attempt, Integer.parseInt(words[0]), words[1]);
                }
                if (System.nanoTime() > deadline) {
                    throw UserError.environment("the launcher of node " + k + " did not come within " + patience.toSeconds()
                            + " s; start it with --node-rank " + k + " and the same --job, --host and --rendezvous-port");
                }
                if (!said && attempt > 0) {
                    LOG.info("waiting for the launcher of node {}", k);
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
        long deadline = System.nanoTime() + QUICK.toNanos() * 3;
        for (int k = 1; k < nodes; k++) {
            while (comer(k).isEmpty() && find("leave/" + k, Duration.ZERO).isEmpty() && System.nanoTime() < deadline) {
                rest();
            }
        }
        tell(new Word("", 0, status, cause));
    }

    /** Another node: comes for the next attempt and waits for the word. */
    Word join() {
        String id = UUID.randomUUID().toString();
        long deadline = System.nanoTime() + patience.toNanos();
        while (true) {
            try {
                put("join/" + node, id);
                Optional<String> word = find("word/" + id, QUICK.dividedBy(2));
                if (word.isPresent()) {
                    String[] w = word.get().split("\n", 4);
                    return new Word(w[0], Integer.parseInt(w[1]), Integer.parseInt(w[2]), w[3]);
                }
            } catch (UserError e) {
                // Node 0's launcher may be about to start, or to start again.
                if (System.nanoTime() > deadline) {
                    throw UserError.environment("the launcher of node 0 did not start an attempt within " + patience.toSeconds() + " s: "
                            + e.getMessage(), e);
                }
                pause();
            }
            if (System.nanoTime() > deadline) {
                throw UserError.environment("not all nodes came within " + patience.toSeconds() + " s; each of the " + nodes
                        + " needs a launcher with its --node-rank");
            }
        }
    }

    /** Another node: will not come again. */
    void leave(int status, String cause) {
        try {
            put("leave/" + node, status + "\nnode " + node + ": " + cause);
        } catch (UserError e) {
            LOG.debug("node 0 is gone already", e);
        }
    }

    /** Node 0: an attempt is over here, and what came first. */
    void end(Word word, String cause) {
        put("end/" + word.token, cause);
    }

    /** Tells all nodes how one of this node's ranks failed, as soon as it is known: their order is the order of the causes. */
    void tell(Word word, Failure failure) {
        try {
            put(FAILURE + word.token + "/" + failure.rank(), failure.json());
        } catch (UserError e) {
            LOG.debug("node 0 does not learn of it: {}", e.getMessage());
        }
    }

    /** Node 0: the failures of an attempt that all nodes told, in their order. */
    List<Failure> failures(Rendezvous store, Word word) {
        return store.kept(FAILURE + word.token + "/").stream().map(Failure::of).toList();
    }

    /** Why this node's ranks of an attempt have no one to work with any more; empty while they may. */
    Optional<String> ended(Word word) {
        if (node == 0) {
            for (int k = 1; k < nodes; k++) {
                if (comer(k).isPresent()) {
                    return Optional.of("the ranks of node " + k + " have ended");
                }
            }
            return Optional.empty();
        }
        try {
            return find("end/" + word.token, Duration.ZERO).map(v -> "node 0 has ended the attempt" + (v.isEmpty() ? "" : ": " + v));
        } catch (UserError e) {
            return Optional.of("the launcher of node 0 is gone: " + e.getMessage());
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
        if (stopping.getAsBoolean()) {
            throw UserError.requeue("asked to end while waiting for the launchers of other nodes");
        }
        rest();
    }

    private static void rest() {
        try {
            Thread.sleep(200);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw UserError.environment("interrupted while waiting for the other nodes' launchers");
        }
    }
}
