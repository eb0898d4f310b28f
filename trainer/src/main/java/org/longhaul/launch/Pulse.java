package org.longhaul.launch;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.longhaul.error.UserError;
import org.longhaul.parallel.Rendezvous;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The launchers of the other nodes say every second that they are there, and node 0's notices who no longer does: a machine that dies whole reports nothing.
 * Silence is counted in looks, so that a launcher which stood still itself does not take the others for silent.
 */
final class Pulse implements AutoCloseable {
    static final Duration BEAT = Duration.ofSeconds(1);

    private static final Logger LOG = LoggerFactory.getLogger(Pulse.class);
    private static final String KEY = "alive/";
    /** The first beat that is found from now on may have been there before: a second one is news. */
    private static final int FRESH = 2;

    private static final Heard NOTHING = new Heard("a host that had not said its name", "", 0, 0);

    private final int nodes;
    private final Map<Integer, Heard> heard = new ConcurrentHashMap<>();
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "launcher-pulse");
        thread.setDaemon(true);
        return thread;
    });

    /** The last beat of a node, how many looks have found no other since, and how many beats were found in all. */
    private record Heard(String host, String beat, int looks, long beats) {
        Heard next(String[] words) {
            return beat.equals(words[1]) ? new Heard(host, beat, looks + 1, beats) : new Heard(words[0], words[1], 0, beats + 1);
        }
    }

    private Pulse(int nodes) {
        this.nodes = nodes;
    }

    /** Of another node: tells node 0 until it is closed. */
    static Pulse beating(Rendezvous.Client store, int node) {
        Pulse pulse = new Pulse(0);
        long[] beat = new long[1];
        long process = ProcessHandle.current().pid();
        pulse.clock.scheduleWithFixedDelay(() -> {
            try {
                store.put(KEY + node, (HostName.here() + "\n" + process + "/" + beat[0]++).getBytes(StandardCharsets.UTF_8));
            } catch (UserError e) {
                LOG.debug("node 0 does not hear this node: {}", e.getMessage());
            }
        }, 0, BEAT.toMillis(), TimeUnit.MILLISECONDS);
        return pulse;
    }

    /** Of node 0: listens until it is closed. */
    static Pulse listening(Rendezvous store, int nodes) {
        Pulse pulse = new Pulse(nodes);
        pulse.clock.scheduleWithFixedDelay(() -> {
            for (int k = 1; k < nodes; k++) {
                pulse.look(k, store.welcomed(KEY + k).map(v -> new String(v, StandardCharsets.UTF_8)));
            }
        }, 0, BEAT.toMillis(), TimeUnit.MILLISECONDS);
        return pulse;
    }

    private void look(int node, Optional<String> said) {
        said.ifPresent(text -> {
            String[] words = text.split("\n", 2);
            heard.compute(node, (k, before) -> before == null ? new Heard(words[0], words[1], 0, 1) : before.next(words));
        });
    }

    /** The name of a node's machine, behind a space and in brackets; empty while it is not known. */
    String host(int node) {
        Heard last = heard.get(node);
        return last == null ? "" : " (" + last.host + ")";
    }

    /** Whether a node that had come has said nothing for so long. */
    boolean quiet(int node, Duration since) {
        Heard last = heard.get(node);
        return last != null && last.looks * BEAT.toMillis() >= since.toMillis();
    }

    /** The first node that has said nothing for so long, though it had come and was not excused. */
    Optional<Failure> silent(Duration since, IntPredicate excused) {
        return heard.entrySet().stream().filter(e -> e.getValue().looks * BEAT.toMillis() >= since.toMillis() && !excused.test(e.getKey()))
                .map(e -> failure(e.getKey(), e.getValue())).findFirst();
    }

    private static Failure failure(int node, Heard last) {
        return Failure.lost(node, last.host, "no word of its launcher for " + last.looks * BEAT.toSeconds() + " s: that machine is down, or the network to it");
    }

    /** Waits until every node has said something from now on, or is excused, or for a time; those that have not. */
    List<Failure> unheard(Duration within, IntPredicate excused) {
        Map<Integer, Heard> before = Map.copyOf(heard);
        long deadline = System.nanoTime() + within.toNanos();
        while (true) {
            // All have met; one may have gone before its first beat was found.
            List<Integer> silent = IntStream.range(1, nodes)
                    .filter(k -> heard.getOrDefault(k, NOTHING).beats < before.getOrDefault(k, NOTHING).beats + FRESH && !excused.test(k)).boxed().toList();
            if (silent.isEmpty() || System.nanoTime() > deadline) {
                return silent.stream().map(k -> failure(k, heard.getOrDefault(k, NOTHING))).toList();
            }
            try {
                TimeUnit.MILLISECONDS.sleep(100);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return List.of();
            }
        }
    }

    @Override
    public void close() {
        clock.shutdownNow();
    }
}
