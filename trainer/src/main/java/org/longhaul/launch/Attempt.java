package org.longhaul.launch;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.longhaul.error.ExitCode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The ranks that were started together on this node: passes signals on, waits until all have ended, and sees to it that they do. */
final class Attempt {
    private static final Logger LOG = LoggerFactory.getLogger(Attempt.class);

    /** Statuses of processes that HUP, INT, USR1 or TERM ended. */
    private static final Set<Integer> ASKED_TO = Set.of(128 + 1, 128 + 2, 128 + 10, 128 + 15);

    /** How long ranks may take to end when others had nothing to save. */
    private static final Duration EARLY = Duration.ofSeconds(5);
    /** A scheduler signals all processes of a job, and a rank may have ended by it before the launcher has heard of it. */
    private static final Duration HEARING = Duration.ofSeconds(2);
    private static final Duration FIRST_REMINDER = Duration.ofSeconds(20);
    private static final Duration LAST_REMINDER = Duration.ofMinutes(10);
    private static final long LOOK = TimeUnit.SECONDS.toNanos(1);
    private static final int DUMPED = 2;
    private static final long NEVER = Long.MAX_VALUE;

    private final int node;
    private final List<Rank> ranks;
    private final Limits limits;
    private final Duration dying;
    private final Others others;
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final CountDownLatch asked = new CountDownLatch(1);
    private final List<Failure> failures = new ArrayList<>();
    private volatile String signal = "";
    private Phase phase = Phase.RUNNING;
    private Outcome first = Outcome.DONE;
    private boolean requeue;
    private boolean early;
    private int left;
    private Duration limit = Duration.ZERO;
    private long deadline = NEVER;
    private Duration reminded = FIRST_REMINDER;
    private long reminder = NEVER;
    private long began;

    private enum Phase { RUNNING, ASKED, EARLY, FAILED, KILLED }

    private sealed interface Event {
        record Ended(Rank rank) implements Event {}

        record Asked() implements Event {}
    }

    /** What this node knows of the other ones. */
    interface Others {
        /** Nobody else. */
        Others NONE = new Others() {};

        /** Whether {@link #gone} may ever answer. */
        default boolean watched() {
            return false;
        }

        /** Why this node's ranks have no one to work with any more; empty while they may. */
        default Optional<Gone> gone() {
            return Optional.empty();
        }

        /** Tells them how a rank of this node failed, as soon as it is known. */
        default void tell(Failure failure) {}

        /** Who keeps a save waiting, as the end of a sentence; empty where that is not known. */
        default String keepsWaiting() {
            return "";
        }
    }

    /** Why others are gone, and the failure that it is, if this node is the first to know. */
    record Gone(String cause, Optional<Failure> failure) {}

    /** {@code dying} is how long a killed process may take to be gone. */
    Attempt(int node, List<Rank> ranks, Limits limits, Duration dying, Others others) {
        this.node = node;
        this.ranks = List.copyOf(ranks);
        this.limits = limits;
        this.dying = dying;
        this.others = others;
        this.left = ranks.size();
        this.ranks.forEach(rank -> rank.onExit().thenRun(() -> events.add(new Event.Ended(rank))));
    }

    /**
     * Passes a signal on to all ranks. INT goes on as TERM, since a terminal's Ctrl-C reaches the ranks as well, and their second INT would end them without
     * saving; so does HUP, which means that the terminal is gone.
     */
    void signal(String name) {
        if (!name.equals("USR2") && signal.isEmpty()) {
            signal = "SIG" + name;
            asked.countDown();
            events.add(new Event.Asked());
        }
        ranks.forEach(rank -> rank.signal(name.equals("INT") || name.equals("HUP") ? "TERM" : name));
    }

    void kill() {
        ranks.stream().filter(Rank::alive).forEach(Rank::kill);
    }

    /** How ranks of this node failed, in the order in which that became known. */
    List<Failure> failures() {
        return failures;
    }

    /** Waits until all ranks have ended, or cannot be ended. */
    Outcome await() {
        try {
            while (left > 0) {
                boolean watches = others.watched() && phase == Phase.RUNNING;
                long next = Math.min(deadline, reminder);
                long wait = next == NEVER ? NEVER : Math.max(1, next - System.nanoTime());
                Event event = events.poll(watches ? Math.min(wait, LOOK) : wait, TimeUnit.NANOSECONDS);
                if (event instanceof Event.Ended ended) {
                    ended(ended.rank());
                } else if (event instanceof Event.Asked) {
                    asked();
                } else if (deadline != NEVER && System.nanoTime() >= deadline) {
                    if (phase == Phase.KILLED) {
                        return undying();
                    }
                    overdue();
                } else if (reminder != NEVER && System.nanoTime() >= reminder) {
                    remind();
                } else if (watches) {
                    others.gone().ifPresent(this::gone);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Outcome(ExitCode.INTERNAL.status(), "the launcher was interrupted");
        } finally {
            kill();
        }
        if (early && requeue && (first.status() == 0 || first.status() == ExitCode.ENVIRONMENT.status())) {
            return Outcome.requeue("stopped by a signal before training began everywhere");
        }
        return first.status() == 0 && requeue ? Outcome.requeue("stopped by a signal after saving") : first;
    }

    private void asked() {
        if (phase == Phase.RUNNING) {
            phase = Phase.ASKED;
            began = System.nanoTime();
            reminder = began + reminded.toNanos();
            if (!limits.save().isZero()) {
                within(limits.save());
            }
        }
    }

    private void ended(Rank rank) throws InterruptedException {
        left--;
        int status = rank.status();
        boolean byRequest = ASKED_TO.contains(status) && first.status() == 0
                && (requeue || asked.await(HEARING.toMillis(), TimeUnit.MILLISECONDS));
        if (status == ExitCode.REQUEUE.status()) {
            requeue = true;
            // Those who saved did so together; the signal may have come to the ranks alone.
            asked();
        } else if (byRequest) {
            // One that the signal met before it listened, or before training began, has lost nothing, nor can the others save without it.
            requeue = true;
            if (phase == Phase.RUNNING || phase == Phase.ASKED) {
                early = true;
                phase = Phase.EARLY;
                within(limits.grace().compareTo(EARLY) < 0 ? limits.grace() : EARLY);
            }
        } else if (status != 0 && phase != Phase.KILLED && !(first.status() != 0 && ASKED_TO.contains(status))) {
            boolean news = first.status() == 0;
            failed(new Failure(node, HostName.here(), rank.rank(), rank.pid(), status, rank.lastWords()));
            if (news && left > 0) {
                LOG.warn("rank {} is gone; stopping the other {} of this node", rank.rank(), left);
                ranks.stream().filter(Rank::alive).forEach(r -> r.signal("TERM"));
                phase = Phase.FAILED;
                reminder = NEVER;
                within(limits.grace());
            }
        }
    }

    private void failed(Failure failure) {
        failures.add(failure);
        others.tell(failure);
        Failure cause = Failure.first(failures).orElseThrow();
        first = new Outcome(cause.exit(), Failure.verdict(failures));
    }

    // Without another node's ranks ours can neither go on nor save.
    private void gone(Gone gone) {
        first = new Outcome(ExitCode.ENVIRONMENT.status(), gone.cause());
        gone.failure().ifPresent(this::failed);
        end();
    }

    // A Java process then writes what each of its threads waits for. Nobody could ask it later.
    private static void dump(List<Rank> hung) throws InterruptedException {
        hung.stream().limit(DUMPED).forEach(rank -> rank.signal("QUIT"));
        TimeUnit.NANOSECONDS.sleep(LOOK);
    }

    private void overdue() throws InterruptedException {
        Map<Rank, String> states = new HashMap<>();
        alive().forEach(rank -> states.put(rank, rank.state()));
        // Who is stopped, or waits in the kernel, is what the others wait for.
        List<Rank> hung = states.keySet().stream().sorted(Comparator.<Rank, Boolean>comparing(r -> states.get(r).isEmpty()).thenComparing(Rank::rank)).toList();
        LOG.warn("{} of {} ranks of this node did not end within {} s{}; killing {}{}", hung.size(), ranks.size(), limit.toSeconds(), afterWhat(), names(hung),
                others.keepsWaiting());
        if (phase == Phase.ASKED) {
            dump(hung);
        }
        if (phase != Phase.EARLY) {
            hung.forEach(rank -> failed(Failure.hung(node, HostName.here(), rank.rank(), rank.pid(),
                    "did not end within " + limit.toSeconds() + " s" + afterWhat() + (states.get(rank).isEmpty() ? "" : " (" + states.get(rank) + ")")
                            + " and was killed")));
        }
        end();
    }

    private String afterWhat() {
        return switch (phase) {
            case ASKED -> " of " + (signal.isEmpty() ? "the others" : signal);
            case EARLY -> " of " + signal;
            default -> "";
        };
    }

    private void end() {
        kill();
        phase = Phase.KILLED;
        reminder = NEVER;
        within(dying);
    }

    // A process that waits in the kernel for a driver or a file server cannot be killed. To wait for it would be to wait without a word.
    private Outcome undying() {
        List<Rank> undying = alive();
        return new Outcome(ExitCode.ENVIRONMENT.status(), (first.cause().isEmpty() ? "" : first.cause() + "; ") + names(undying) + " on " + HostName.here()
                + (undying.size() == 1 ? " was" : " were") + " killed " + dying.toSeconds() + " s ago and not gone: hung in the kernel, in a driver or a "
                + "file system; another attempt here would meet what it holds, so this node needs a person", true);
    }

    private void remind() {
        LOG.info("{} s after {}: waiting for {} to save and end{}", TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began),
                signal.isEmpty() ? "the first rank's end" : signal, names(alive()), others.keepsWaiting());
        reminded = reminded.multipliedBy(3).compareTo(LAST_REMINDER) < 0 ? reminded.multipliedBy(3) : LAST_REMINDER;
        reminder = System.nanoTime() + reminded.toNanos();
    }

    private void within(Duration time) {
        limit = time;
        deadline = System.nanoTime() + time.toNanos();
    }

    private List<Rank> alive() {
        return ranks.stream().filter(Rank::alive).toList();
    }

    private static String names(List<Rank> some) {
        return (some.size() == 1 ? "rank " : "ranks ") + some.stream().map(r -> r.rank() + " (pid " + r.pid() + ")").collect(Collectors.joining(", "));
    }
}
