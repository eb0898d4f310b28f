package org.longhaul.cuda;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.longhaul.error.UserError;
import org.longhaul.parallel.RankList;
import org.longhaul.parallel.Rendezvous;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How ranks find out, through the rendezvous, whom all of them wait for: one whose operation does not end raises an alarm, every rank
 * whose watch still runs answers how far it is, and what the asker concludes ends the job on all of them alike.
 */
final class StallInquiry {
    private static final Logger LOG = LoggerFactory.getLogger(StallInquiry.class);
    private static final String ALARM = "stall/alarm";
    private static final String VERDICT = "stall/verdict";
    private static final Duration QUICK = Duration.ofSeconds(5);
    private static final Duration ANSWER = Duration.ofSeconds(10);
    private static final long LOOK_NANOS = 2_000_000_000L;
    /** The store answers some thousand times a second, and every rank looks. */
    private static final long LOOK_NANOS_PER_RANK = 5_000_000L;

    private final Rendezvous.Client store;
    private final int rank;
    private final int ranks;
    private final long between;
    private long lastLook = System.nanoTime();
    private boolean answered;

    StallInquiry(Rendezvous.Client store, int rank, int ranks) {
        this(store, rank, ranks, Math.max(LOOK_NANOS, ranks * LOOK_NANOS_PER_RANK));
    }

    /** {@code between} looks lie so many nanoseconds at least. */
    StallInquiry(Rendezvous.Client store, int rank, int ranks, long between) {
        this.between = between;
        this.store = store.within(QUICK);
        this.rank = rank;
        this.ranks = ranks;
    }

    /** Answers if a rank has asked; what was concluded, if anything was. Asks the store now and then only. */
    Optional<String> look(Supplier<Map<String, Long>> position) {
        long now = System.nanoTime();
        if (now - lastLook < between) {
            return Optional.empty();
        }
        lastLook = now;
        try {
            // One question a look: as long as nobody has raised an alarm there is no verdict.
            if (!answered) {
                if (store.find(ALARM, Duration.ZERO).isEmpty()) {
                    return Optional.empty();
                }
                answer(position.get());
            }
            return store.find(VERDICT, Duration.ZERO).map(v -> new String(v, StandardCharsets.UTF_8));
        } catch (UserError e) {
            // The store ends before the last rank does; a launcher that is gone is another watch's business.
            LOG.debug("the rendezvous does not answer", e);
            return Optional.empty();
        }
    }

    /** Asks all ranks about an operation of a group and says who has not reached it or does not answer. */
    String ask(String what, String group, long number, List<Integer> members, Map<String, Long> own) {
        try {
            Optional<byte[]> verdict = store.find(VERDICT, Duration.ZERO);
            if (verdict.isPresent()) {
                return "before: " + new String(verdict.get(), StandardCharsets.UTF_8);
            }
            store.put(ALARM, what.getBytes(StandardCharsets.UTF_8));
            answer(own);
            long deadline = System.nanoTime() + ANSWER.toNanos() + between;
            List<Integer> silent = new ArrayList<>();
            List<Integer> behind = new ArrayList<>();
            for (int r = 0; r < ranks; r++) {
                Optional<byte[]> said = r == rank ? Optional.empty() : answerOf(r, deadline);
                if (r != rank && said.isEmpty()) {
                    silent.add(r);
                } else if (members.contains(r) && r != rank && reached(said.get(), group) < number) {
                    behind.add(r);
                }
            }
            if (!silent.isEmpty()) {
                return "rank(s) " + RankList.text(silent) + " say nothing: stopped, or their node is gone";
            }
            return behind.isEmpty() ? "all ranks have reached it: the network or a GPU is stuck" : "rank(s) " + RankList.text(behind) + " have not reached it";
        } catch (UserError e) {
            return "and who is missing cannot be asked: " + e.getMessage();
        }
    }

    /** What all ranks shall end with, unless one has said so before. */
    void conclude(String cause) {
        try {
            store.offer(VERDICT, cause.getBytes(StandardCharsets.UTF_8));
            // Whoever sees this looks for the verdict, which is there by then.
            store.offer(ALARM, cause.getBytes(StandardCharsets.UTF_8));
        } catch (UserError e) {
            LOG.debug("the rendezvous does not answer", e);
        }
    }

    private Optional<byte[]> answerOf(int other, long deadline) {
        while (true) {
            // No single call may be longer than what the store's client waits for.
            long left = Math.max(0, Math.min(QUICK.toNanos() / 2, deadline - System.nanoTime()));
            Optional<byte[]> said = store.find(key(other), Duration.ofNanos(left));
            if (said.isPresent() || left == 0) {
                return said;
            }
        }
    }

    private void answer(Map<String, Long> position) {
        answered = true;
        String text = position.entrySet().stream().map(e -> e.getKey() + "\t" + e.getValue()).collect(Collectors.joining("\n"));
        store.put(key(rank), text.getBytes(StandardCharsets.UTF_8));
    }

    private static long reached(byte[] said, String group) {
        for (String line : new String(said, StandardCharsets.UTF_8).split("\n")) {
            String[] words = line.split("\t");
            if (words[0].equals(group)) {
                return Long.parseLong(words[1]);
            }
        }
        return 0;
    }

    private static String key(int rank) {
        return "stall/at/" + rank;
    }
}
