package org.longhaul.checkpoint;

import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * Says when a save is due so that it is complete before the newest complete checkpoint is older than {@link Retention} allows, in time and in
 * steps. With several ranks one of them asks and tells the others, since their clocks differ. A save can be taken only where the host looks at
 * results, so what is asked before a step is answered for the next two looks. The clock is monotonic, and stands still while training waits for
 * a save: nothing can be lost then.
 */
public final class SaveSchedule {
    private static final int RECENT = 8;
    private static final double MARGIN = 1.5;
    private static final double SECOND = 1e9;
    private static final double UNKNOWN_SAVE = 60 * SECOND;

    private final Retention retention;
    private final LongSupplier nanos;
    private final double[] saveNanos = new double[RECENT];
    private final double[] stepNanos = new double[RECENT];
    private int savesMeasured;
    private int stepsMeasured;
    private double validationNanos;
    private long stood;
    private long complete;
    private long completeAt;
    private long pending = -1;
    private long pendingAt;
    private long failures;
    private int failuresInRow;
    private long retryAt = Long.MIN_VALUE;
    private long saves;
    private long periodStep = -1;
    private long periodAt;
    private double warnedOf;
    private int metInRow;

    /** What is wished of the next look. */
    public enum Wish {
        /** Nothing. */
        NONE,
        /** A save. */
        SAVE,
        /** A save, after waiting for the one under way; if that one fails, waiting for the new one. */
        WAIT_FOR_LAST,
        /** A save, and no further step before one is complete. */
        WAIT
    }

    /**
     * Where the host looks at results next.
     *
     * @param look the step of the next look, this step or one behind it
     * @param then the step of the look behind that
     * @param validates whether a validation runs before {@code then}
     */
    public record Outlook(long look, long then, boolean validates) {}

    /**
     * How old the newest complete checkpoint is.
     *
     * @param step its step, or that of the start where there is none yet
     * @param steps taken since
     * @param seconds of work since
     */
    public record Age(long step, long steps, double seconds) {}

    /** Starts the clock; {@link #start} must follow. */
    public SaveSchedule(Retention retention) {
        this(retention, System::nanoTime);
    }

    SaveSchedule(Retention retention, LongSupplier nanos) {
        this.retention = retention;
        this.nanos = nanos;
        this.completeAt = nanos.getAsLong();
    }

    /** Training goes on from a step: what is done from here on can be lost. */
    public void start(long step) {
        complete = step;
        completeAt = now();
        pending = -1;
        periodStep = -1;
    }

    /** A state was taken after a step, to be saved; {@code stats} is how saving went before. */
    public void taken(long step, SaveStats stats) {
        absorb(stats);
        pending = step;
        pendingAt = now();
    }

    /** The host has looked at the results of a step. */
    public void looked(long step) {
        if (periodStep >= 0 && step >= periodStep) {
            stepNanos[stepsMeasured++ % RECENT] = (now() - periodAt) / (double) (step - periodStep + 1);
        }
        periodStep = -1;
    }

    /** Training stood still so long, waiting for a save. */
    public void stood(long nanosWaited) {
        stood += nanosWaited;
    }

    /** A validation took so long. */
    public void validated(long nanosTaken) {
        validationNanos = Math.max(nanosTaken, validationNanos / 2);
    }

    /** What to wish before a step, given how saving went so far and whether a save is still being written. */
    public Wish due(long step, Outlook outlook, SaveStats stats, boolean busy) {
        absorb(stats);
        long now = now();
        if (periodStep < 0) {
            periodStep = step;
            periodAt = now;
        }
        double thenAt = thenAt(outlook);
        if (retention.strict() && over(outlook.then(), thenAt)) {
            return busy ? Wish.WAIT_FOR_LAST : Wish.WAIT;
        }
        if (busy || now < retryAt) {
            return Wish.NONE;
        }
        // How long the first validation takes nobody knows: like the first save, half of what is allowed.
        double unknown = outlook.validates() && validationNanos == 0 ? limitNanos() / 2.0 : 0;
        return tooLate(outlook.then(), thenAt + unknown) ? Wish.SAVE : Wish.NONE;
    }

    /**
     * Seconds from now until what is asked for at the look after the next would be complete, by the slowest of the last steps and saves: a save may be
     * under way by then, which comes first. Asked after {@link #due}.
     */
    public double secondsUntilSaved(Outlook outlook) {
        double save = savesMeasured == 0 ? UNKNOWN_SAVE : MARGIN * extreme(saveNanos, savesMeasured, true);
        return (thenAt(outlook) - now() + 2 * save) / SECOND;
    }

    // When the host looks at results the time after next.
    private double thenAt(Outlook outlook) {
        double slowest = extreme(stepNanos, stepsMeasured, true);
        double lookAt = Math.max(now(), periodAt + slowest * (outlook.look() - periodStep + 1));
        return lookAt + slowest * (outlook.then() - outlook.look()) + (outlook.validates() ? validationNanos : 0);
    }

    private boolean over(long step, double at) {
        return limitSteps() > 0 && step - complete > limitSteps() || limitNanos() > 0 && at - completeAt > limitNanos();
    }

    // Whether a save taken then might be complete too late.
    private boolean tooLate(long step, double at) {
        double save = MARGIN * extreme(saveNanos, savesMeasured, true);
        if (limitSteps() > 0) {
            double quickest = extreme(stepNanos, stepsMeasured, false);
            double during = savesMeasured == 0 || quickest == 0 ? limitSteps() / 2.0 : Math.ceil(save / quickest);
            if (step + during - complete > limitSteps()) {
                return true;
            }
        }
        return limitNanos() > 0 && at + (savesMeasured == 0 ? limitNanos() / 2.0 : save) - completeAt > 0.98 * limitNanos();
    }

    private void absorb(SaveStats stats) {
        boolean committed = stats.saves() > saves;
        saves = stats.saves();
        if (committed && stats.lastStep() == pending) {
            metInRow = over(pending, pendingAt + stats.lastSeconds() * SECOND) ? 0 : metInRow + 1;
            complete = pending;
            completeAt = pendingAt;
            pending = -1;
            saveNanos[savesMeasured++ % RECENT] = stats.lastSeconds() * SECOND;
            failuresInRow = 0;
            retryAt = Long.MIN_VALUE;
            if (metInRow >= RECENT) {
                warnedOf = 0;
            }
        }
        if (stats.failures() > failures) {
            failures = stats.failures();
            pending = -1;
            double most = limitNanos() > 0 ? limitNanos() : limitSteps() * extreme(stepNanos, stepsMeasured, true);
            retryAt = now() + (long) Math.max(SECOND, most / 16 * (1 << Math.min(failuresInRow, 4)));
            failuresInRow++;
        }
    }

    /** The newest complete checkpoint's age after a step. */
    public Age age(long step, SaveStats stats) {
        absorb(stats);
        return new Age(complete, step - complete, (now() - completeAt) / SECOND);
    }

    /**
     * A line for people when the newest complete checkpoint is older than it should be, empty otherwise. Says so once, again each time
     * that the age has doubled, and anew after some saves that were in time.
     */
    public String overdue(Age age) {
        double bySteps = limitSteps() > 0 ? age.steps() / (double) limitSteps() : 0;
        double byTime = limitNanos() > 0 ? age.seconds() * SECOND / limitNanos() : 0;
        double times = Math.max(bySteps, byTime);
        if (times <= 1 || times < 2 * warnedOf) {
            return "";
        }
        warnedOf = times;
        boolean time = byTime >= bySteps;
        String is = String.format(Locale.ROOT, "a fault would now cost %,d steps or %.0f s: the newest complete checkpoint is of step %,d, and %s is %s",
                age.steps(), age.seconds(), age.step(), time ? "checkpoint.retention.ephemeral_every" : "checkpoint.retention.ephemeral_steps",
                time ? retention.ephemeralEvery().toSeconds() + "s" : Long.toString(retention.ephemeralSteps()));
        if (failuresInRow > 0) {
            return is + "; " + failuresInRow + (failuresInRow == 1 ? " save has" : " saves in a row have") + " failed, see the warning above";
        }
        double save = extreme(saveNanos, savesMeasured, true);
        double longest = extreme(stepNanos, stepsMeasured, true);
        if (time && 2 * longest > limitNanos()) {
            return is + String.format(Locale.ROOT, "; one step took up to %.0f s, and none is broken off for a save: allow at least %.0fs",
                    longest / SECOND, Math.ceil((2 * MARGIN * save + 3 * longest) / SECOND));
        }
        if (savesMeasured == 0) {
            return is + "; the first save takes that long: write to a faster place or allow more time";
        }
        String enough = time
                ? String.format(Locale.ROOT, "ephemeral_every of %.0fs", Math.ceil((2 * MARGIN * save + 2 * longest) / SECOND))
                : String.format(Locale.ROOT, "ephemeral_steps of %,.0f", Math.ceil(2 * MARGIN * save / extreme(stepNanos, stepsMeasured, false)) + 2);
        return is + String.format(Locale.ROOT, "; saves took up to %.1f s, which suits an %s: allow that, write to a faster place, or set "
                + "checkpoint.retention.strict to let training wait", save / SECOND, enough);
    }

    private long limitSteps() {
        return retention.ephemeralSteps();
    }

    private long limitNanos() {
        return retention.ephemeralEvery().toNanos();
    }

    private long now() {
        return nanos.getAsLong() - stood;
    }

    private static double extreme(double[] ring, int measured, boolean largest) {
        double found = 0;
        for (int i = 0; i < Math.min(measured, RECENT); i++) {
            found = i == 0 ? ring[i] : largest ? Math.max(found, ring[i]) : Math.min(found, ring[i]);
        }
        return found;
    }
}
