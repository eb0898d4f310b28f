package org.longhaul.train;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.longhaul.checkpoint.RankGroup;
import org.longhaul.error.UserError;
import org.longhaul.launch.RankEnvironment;
import org.longhaul.launch.SaveMeeting;
import org.longhaul.parallel.RankList;
import org.longhaul.parallel.Rendezvous;
import org.longhaul.parallel.Verdict;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ranks that save together and agree through the rendezvous store, apart from the training step's streams. Each call is a meeting
 * with a number, and has one verdict that all ranks learn, whenever they come: a rank that was given up must meet the others again next time.
 */
final class RendezvousRanks implements RankGroup {
    private static final Logger LOG = LoggerFactory.getLogger(RendezvousRanks.class);
    private static final Duration FAREWELL = Duration.ofSeconds(10);
    /** Networks forget connections that are silent for minutes. */
    private static final Duration SILENCE = Duration.ofSeconds(20);
    /** How long rank 0's word may take behind its own time-out. */
    private static final Duration WORD = Duration.ofSeconds(30);
    private static final long AGAIN_NANOS = 100_000_000;

    private static final byte NO = 0;
    private static final byte YES = 1;
    private static final byte GIVEN_UP = 2;

    private final RankEnvironment self;
    private final Rendezvous.Client client;
    private final Duration timeout;
    private BooleanSupplier sound;
    private long call;
    private long firstKept;

    /**
     * Opens no connection yet.
     *
     * @param timeout how long rank 0 and the others wait for each other
     * @param sound false once this rank's collectives have been given up: it then agrees to nothing
     */
    RendezvousRanks(RankEnvironment self, Duration timeout, BooleanSupplier sound) {
        this.self = self;
        this.timeout = timeout;
        this.client = new Rendezvous.Client(self.masterHost(), self.masterPort(), self.token(), timeout.compareTo(SILENCE) < 0 ? timeout : SILENCE);
        this.sound = sound;
    }

    /** Other collectives take the place of those before. */
    void agreeWhile(BooleanSupplier soundNow) {
        sound = soundNow;
    }

    @Override
    public int rank() {
        return self.rank();
    }

    @Override
    public int size() {
        return self.worldSize();
    }

    @Override
    public boolean all(boolean mine) {
        return meet(mine && sound.getAsBoolean(), "").kind() == YES;
    }

    @Override
    public String first(String mine) {
        Verdict verdict = meet(sound.getAsBoolean(), mine);
        if (verdict.kind() == NO) {
            throw UserError.environment("a rank has given up its collectives and agrees to nothing");
        }
        return verdict.words();
    }

    private Verdict meet(boolean own, String word) {
        // Counted whatever comes of it: else this rank would answer the others' next question with this one's answer for the rest of the run.
        long meeting = call++;
        Verdict verdict = self.rank() == 0 ? lead(meeting, own, word) : follow(meeting, own);
        if (verdict.kind() == GIVEN_UP) {
            throw UserError.environment(verdict.words());
        }
        return verdict;
    }

    private Verdict lead(long meeting, boolean own, String word) {
        long deadline = System.nanoTime() + timeout.toNanos();
        boolean all = own;
        come(meeting, own, deadline);
        List<Integer> missing = new ArrayList<>();
        for (int r = 1; r < size(); r++) {
            Optional<byte[]> said = await(SaveMeeting.here(meeting, r), deadline);
            if (said.isEmpty()) {
                missing.add(r);
            }
            all &= said.isPresent() && Verdict.of(said.get()).kind() == YES;
        }
        Verdict verdict = conclude(meeting, missing.isEmpty() ? new Verdict(all ? YES : NO, word) : givenUp(missing, timeout), deadline);
        if (missing.isEmpty()) {
            // Whoever has answered this call has read the verdicts before it: a run of months keeps two calls in memory.
            for (; firstKept < meeting; firstKept++) {
                client.forget(SaveMeeting.call(firstKept));
            }
        }
        return verdict;
    }

    private Verdict follow(long meeting, boolean own) {
        long deadline = System.nanoTime() + timeout.toNanos();
        come(meeting, own, deadline);
        Optional<byte[]> known = patiently(deadline, () -> client.find(SaveMeeting.all(meeting), Duration.ZERO));
        if (known.isPresent()) {
            return Verdict.of(known.get());
        }
        if (await(SaveMeeting.here(meeting, 0), deadline).isEmpty()) {
            return conclude(meeting, givenUp(List.of(0), timeout), deadline);
        }
        // It waits for the others from now on, and then speaks.
        Duration word = timeout.plus(WORD);
        long end = System.nanoTime() + word.toNanos();
        return await(SaveMeeting.all(meeting), end).map(Verdict::of).orElseGet(() -> conclude(meeting, new Verdict(GIVEN_UP, "rank 0 came to where all ranks "
                + "agree on a save, a load or an end, and said nothing within " + word.toSeconds() + " s: stopped, or its node is gone"), end));
    }

    private void come(long meeting, boolean own, long deadline) {
        patiently(deadline, () -> {
            client.put(SaveMeeting.here(meeting, self.rank()), new Verdict(own ? YES : NO, "").value());
            return null;
        });
    }

    // Whoever concludes first: rank 0, or one who has waited for it in vain.
    private Verdict conclude(long meeting, Verdict verdict, long deadline) {
        return Verdict.of(patiently(deadline, () -> client.offer(SaveMeeting.all(meeting), verdict.value())));
    }

    private Optional<byte[]> await(String key, long deadline) {
        while (true) {
            long left = Math.max(0, Math.min(SILENCE.toNanos(), deadline - System.nanoTime()));
            Optional<byte[]> value = patiently(deadline, () -> client.find(key, Duration.ofNanos(left)));
            if (value.isPresent() || left == 0) {
                return value;
            }
        }
    }

    // A connection that breaks must not part this rank from the others; each call may be made twice. An answer that is no connection's fault, as from
    // the store of another attempt, stands.
    private static <T> T patiently(long deadline, Supplier<T> asked) {
        while (true) {
            try {
                return asked.get();
            } catch (UserError e) {
                if (!(e.getCause() instanceof IOException) || System.nanoTime() - deadline > 0) {
                    throw e;
                }
                LOG.debug("asking the rendezvous again", e);
                LockSupport.parkNanos(AGAIN_NANOS);
            }
        }
    }

    private static Verdict givenUp(List<Integer> missing, Duration after) {
        String text = "rank(s) " + RankList.text(missing) + " did not come within " + after.toSeconds() + " s to where all ranks agree on a save, a load or an end; if they run, "
                + "their disk is slower than ranks.stall_timeout allows";
        return new Verdict(GIVEN_UP, text);
    }

    /** Says that this rank needs the store no more; the rank that serves it waits for the others a little. */
    void leave(Rendezvous served) {
        try {
            client.within(FAREWELL).put(farewell(self.rank()), new byte[0]);
        } catch (UserError e) {
            LOG.debug("the store is gone before rank {} left it: {}", self.rank(), e.getMessage());
            return;
        }
        if (served != null) {
            List<String> others = new ArrayList<>();
            for (int r = 0; r < size(); r++) {
                others.add(farewell(r));
            }
            served.holds(others, FAREWELL);
        }
    }

    private static String farewell(int rank) {
        return Rendezvous.FAREWELL + rank;
    }
}
