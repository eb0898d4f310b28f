package org.longhaul.checkpoint;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;

/** When checkpoints are saved and which are kept. */
@Doc("When checkpoints are saved and which are kept.")
public record Retention(
        @Doc("The most working time that a fault may cost: an ephemeral checkpoint is taken early enough to be complete before the newest "
                        + "complete one is so old; 0s for no such limit.") @Default("5m") Duration ephemeralEvery,
        @Doc("The same in steps, beside ephemeral_every or instead of it; 0 for no such limit.") @Default("0") long ephemeralSteps,
        @Doc("Steps between permanent checkpoints; 0 turns them off.") @Default("0") long permanentEvery,
        @Doc("Newest ephemeral checkpoints kept.") @Default("2") int keepEphemeral,
        @Doc("Newest permanent checkpoints kept; 0 keeps all.") @Default("0") int keepPermanent,
        @Doc("Whether training stands still when a save is so slow, or fails so long, that a fault would cost more than the limits; else it goes "
                        + "on and a warning says by how much.") @Default("false") boolean strict) {
    /** Complete checkpoints that no rule deletes below. */
    public static final int FEWEST = 2;

    /** Checks the ranges. */
    public Retention {
        if (ephemeralEvery.isNegative()) {
            throw new IllegalArgumentException("ephemeral_every must not be negative: " + ephemeralEvery);
        }
        if (ephemeralSteps < 0) {
            throw new IllegalArgumentException("ephemeral_steps must not be negative: " + ephemeralSteps);
        }
        if (strict && ephemeralEvery.isZero() && ephemeralSteps == 0) {
            throw new IllegalArgumentException("strict must be false where neither ephemeral_every nor ephemeral_steps sets a limit: " + strict);
        }
        if (permanentEvery < 0) {
            throw new IllegalArgumentException("permanent_every must not be negative: " + permanentEvery);
        }
        if (keepEphemeral < 1) {
            throw new IllegalArgumentException("keep_ephemeral must be at least 1: " + keepEphemeral);
        }
        if (keepPermanent < 0) {
            throw new IllegalArgumentException("keep_permanent must not be negative: " + keepPermanent);
        }
    }

    /** A limit in time alone, not strict. */
    public Retention(Duration ephemeralEvery, long permanentEvery, int keepEphemeral, int keepPermanent) {
        this(ephemeralEvery, 0, permanentEvery, keepEphemeral, keepPermanent, false);
    }

    /** Ephemeral every five minutes, two kept. */
    public static Retention defaults() {
        return new Retention(Duration.ofMinutes(5), 0, 2, 0);
    }

    /**
     * Which of the checkpoints, listed newest first, may go: surplus ones of each kind, earlier attempts of a step that was saved
     * again as lastingly; never so many that fewer than {@link #FEWEST} complete ones stay. Incomplete ones are left to the start's clean-up.
     */
    public List<CheckpointInfo> surplus(List<CheckpointInfo> newestFirst) {
        List<CheckpointInfo> complete = newestFirst.stream().filter(CheckpointInfo::complete).toList();
        List<CheckpointInfo> go = new ArrayList<>();
        int ephemeral = 0;
        int permanent = 0;
        long lastStep = -1;
        boolean lastPermanent = false;
        for (CheckpointInfo c : complete) {
            // A roll-back saves the step that it went back to again, and that one goes before long: a permanent one must not go with it.
            boolean again = c.step() == lastStep && (c.kind() == SaveKind.EPHEMERAL || lastPermanent);
            lastPermanent = c.kind() == SaveKind.PERMANENT || c.step() == lastStep && lastPermanent;
            lastStep = c.step();
            boolean surplus = c.kind() == SaveKind.PERMANENT
                    ? !again && ++permanent > keepPermanent && keepPermanent > 0
                    : !again && ++ephemeral > keepEphemeral;
            if (again || surplus) {
                go.add(c);
            }
        }
        // Spare the newest of what would go.
        int spare = Math.max(0, Math.min(go.size(), FEWEST - (complete.size() - go.size())));
        List<CheckpointInfo> oldestFirst = new ArrayList<>(go.subList(spare, go.size()));
        Collections.reverse(oldestFirst);
        return oldestFirst;
    }
}
