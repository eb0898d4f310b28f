package org.longhaul.train;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.longhaul.batch.SampleOrder;
import org.longhaul.checkpoint.SaveKind;
import org.longhaul.checkpoint.SaveOutcome;
import org.longhaul.checkpoint.SaveSchedule;
import org.longhaul.checkpoint.SaveSchedule.Wish;
import org.longhaul.error.UserError;
import org.longhaul.metrics.Flops;
import org.longhaul.train.StepScalars.Result;
import org.longhaul.trust.Faults;
import org.longhaul.trust.SpikeConfig;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The training loop. Every rank of a job runs it; all decide alike because they see the same sums. */
final class Trainer {
    private static final Logger LOG = LoggerFactory.getLogger(Trainer.class);

    private static final int NAMED = 8;

    private final TrainConfig config;
    private final Engine engine;
    private final Snapshots snapshots;
    private final TrainData data;
    private final Mixture mixture;
    private final RankTimes times;
    private final StopRequest stop;
    private final StepJudge judge;
    private final double peakFlops;
    private final Profiling profiling;
    private final MemoryCheck memory;
    private final History history;
    private final Telemetry telemetry;
    private Report report;
    private SampleOrder order;
    private RunState state;

    /** How a process ended. */
    enum Outcome {
        /** All steps are done. */
        FINISHED,
        /** stop_after was reached. */
        PAUSED,
        /** A signal asked for it. */
        STOPPED
    }

    Trainer(
            TrainConfig config, Engine engine, Snapshots snapshots, TrainData data, Mixture mixture, RankTimes times, StopRequest stop, double peakFlops,
            Profiling profiling, Telemetry telemetry) {
        this.config = config;
        this.engine = engine;
        this.snapshots = snapshots;
        this.data = data;
        this.mixture = mixture;
        this.times = times;
        this.stop = stop;
        this.peakFlops = peakFlops;
        this.profiling = profiling;
        this.telemetry = telemetry;
        this.history = new History(config.output());
        this.memory = new MemoryCheck(config, engine.backend(), engine.groups());
        this.judge = new StepJudge(config.spikes(), engine.groups().rank() == 0);
    }

    /** Trains until the steps are done, stop_after is reached or a signal asks to stop; saves in each case. */
    Outcome run() {
        if (leads() && Faults.planted().any()) {
            LOG.warn("{} plants faults in this run: {}", Faults.VARIABLE, Faults.planted());
        }
        telemetry.does("loads");
        start();
        telemetry.does("trains");
        if (leads()) {
            TrainJob.writeConfig(config);
        }
        if (state.step() >= config.steps()) {
            if (leads()) {
                LOG.info("all {} steps are done already{}; checkpoints in {}", config.steps(),
                        state.step() > config.steps() ? ", the newest checkpoint is of step " + state.step() : "", snapshots.root());
                history.ended(state.step(), "nothing to do", "");
            }
            return Outcome.FINISHED;
        }
        order = new SampleOrder(data.train(), config.model().context(), config.seed(), config.data().stage());
        long pauseAt = config.stopAfter() == 0 ? Long.MAX_VALUE : state.step() + config.stopAfter();
        try {
            report = leads() ? openReport() : null;
            snapshots.reserve();
            snapshots.start(state.step());
            while (state.step() < config.steps()) {
                leaveOut();
                Outcome outcome = step(pauseAt);
                if (outcome != null) {
                    return end(outcome);
                }
                if (state.skippedInRow() > config.spikes().maxSkips()) {
                    giveUpOrRollBack();
                }
            }
            return end(Outcome.FINISHED);
        } catch (RuntimeException | Error e) {
            if (leads()) {
                history.ended(state.step(), "failed", String.valueOf(e.getMessage()));
            }
            throw e;
        } finally {
            if (report != null) {
                report.close();
            }
        }
    }

    // A checkpoint of that very step was saved before, so whoever goes on from it comes here too.
    private void leaveOut() {
        long samples = config.data().skipped(state.step());
        if (samples > 0) {
            if (leads()) {
                LOG.info("step {}: data.skip leaves out {} samples behind sample {}", state.step(), samples, state.consumed());
            }
            state = state.past(samples);
        }
    }

    // Answers how training ends with this step, null where it goes on.
    private Outcome step(long pauseAt) {
        long step = state.step() + 1;
        boolean last = step == config.steps();
        boolean pause = step == pauseAt;
        boolean permanent = every(config.checkpoint().retention().permanentEvery(), step);
        boolean validate = every(config.validation().every(), step);
        boolean lasting = last || pause || permanent;
        // Results say which samples they are of by those before them.
        Result[] results = learn(step, lasting || validate || config.data().skipped(step) > 0);
        memory.step().ifPresent(seen -> {
            telemetry.memory(seen);
            if (report != null) {
                report.memory(step, seen);
            }
        });
        if (mixture.due(step, last)) {
            report.mixture(mixture.report(step));
        }
        boolean stopping = asked(results);
        Wish wished = wished(results);
        if ((lasting || stopping || wished != Wish.NONE) && sound(results)) {
            save(lasting ? SaveKind.PERMANENT : SaveKind.EPHEMERAL, wished);
        }
        // Behind the save: what the step has cost is safe the sooner.
        if (validate || last) {
            validate();
        }
        profiling.after(step, pause || stopping || last);
        if (!pause && !stopping) {
            return null;
        }
        return last ? Outcome.FINISHED : stopping ? Outcome.STOPPED : Outcome.PAUSED;
    }

    // Gradients, update, and the results of the steps since the host last looked, if it looks now.
    private Result[] learn(long step, boolean mustLook) {
        Wish wish = Wish.NONE;
        if (leads()) {
            SaveSchedule.Outlook outlook = outlook(step);
            wish = snapshots.due(step, outlook);
            stop.requireTime(snapshots.secondsUntilSaved(outlook));
        }
        times.begin(step, engine.readingSeconds());
        mixture.count(order, state.consumed(), config.batch().sequences());
        profiling.before(step);
        engine.gradients(order, state.consumed(), stop.raised(), wish);
        times.end(step, engine.readingSeconds());
        boolean look = mustLook || engine.scalars().full();
        Result[] results = look ? engine.scalars().take() : new Result[0];
        if (look) {
            snapshots.looked(step);
        }
        // Where a spike may drop an update, each step is looked at, here, before it.
        boolean dropped = advance(results);
        if (look && times.pending()) {
            compareRanks();
        }
        Faults.point("train.gradients");
        if (!dropped) {
            snapshots.gate();
            // With watch, which steps were not finite may be known too late: they count there, so that nothing depends on when the host looks. Each of
            // the first few makes some dozens of updates behind it a little too small.
            boolean watches = config.spikes().action() == SpikeConfig.Action.WATCH;
            engine.update(config.schedule().at(step, config.steps()), step, watches ? step : state.updates());
        }
        Faults.point("train.update");
        return results;
    }

    private SaveSchedule.Outlook outlook(long step) {
        long look = step + engine.scalars().room() - 1;
        long then = look + config.stepsPerLook();
        long every = config.validation().every();
        return new SaveSchedule.Outlook(look, then, every > 0 && (then - 1) / every > (step - 1) / every);
    }

    private void save(SaveKind kind, Wish wish) {
        profiling.phases().open("checkpoint staging");
        snapshots.save(kind, state, wish, stop::raised);
        profiling.phases().close();
    }

    private void compareRanks() {
        RankTimes.Comparison comparison = times.compare();
        telemetry.ranks(comparison);
        if (report != null) {
            report.ranks(comparison);
        }
    }

    private void start() {
        Optional<RunState> resumed = snapshots.resume();
        if (resumed.isPresent()) {
            state = resumed.get();
            goOn("resumed");
            return;
        }
        if (config.checkpoint().branchFrom().isPresent()) {
            state = snapshots.branchFrom(config.checkpoint().branchFrom().get());
            goOn("branched off");
            return;
        }
        state = RunState.start(config.data().stage());
        if (config.checkpoint().initFrom().isPresent()) {
            snapshots.initFrom(config.checkpoint().initFrom().get());
            began("starts with the weights", "");
        } else {
            engine.initialise(config.seed());
            began("starts anew", "");
        }
        if (config.checkpoint().saveInitial()) {
            snapshots.save(SaveKind.PERMANENT, state);
        }
    }

    private void goOn(String how) {
        // What was usual with other data or batches says nothing of these: the loss of a new mixture is no spike.
        if (snapshots.sameSteps(state.stage())) {
            judge.restore(state);
        }
        if (state.stage() != config.data().stage()) {
            state = state.inStage(config.data().stage(), snapshots.context());
        }
        began(how, leads() ? snapshots.changed().orElse("") : "");
    }

    private void began(String how, String changed) {
        if (leads()) {
            String from = snapshots.origin();
            LOG.info("{} at step {} of {}{}{}", how, state.step(), config.steps(), from.isEmpty() ? "; no checkpoint is in " + snapshots.root() : " from " + from,
                    changed.isEmpty() ? "" : "; changed since: " + changed);
            history.started(config, engine.groups().mesh(), how, from, state.step(), changed);
        }
    }

    private Report openReport() {
        Report opened = new Report(
                config, state.step(), Flops.perTokenFull(config.model()), Flops.perTokenCausal(config.model()), peakFlops);
        long samples = data.samples(config.model().context());
        double read = state.consumed() + (double) (config.steps() - state.step()) * config.batch().sequences();
        opened.say(String.format(Locale.ROOT, "%,d parameters, %,d tokens a step, %,d samples in the training split (%.2f epochs of it by step %,d)",
                Flops.parameters(config.model()), config.tokensPerStep(), samples, read / samples, config.steps()));
        if (!config.doubt().isEmpty()) {
            LOG.warn("{}", config.doubt());
        }
        opened.start();
        return opened;
    }

    /**
     * Goes on to the next step, judges those whose results are known, and answers whether the newest one's update must be left out. The
     * windows learn only from steps that are kept.
     */
    private boolean advance(Result[] results) {
        long step = state.step() + 1;
        long consumed = state.consumed() + config.batch().sequences();
        long skipped = state.skipped();
        int inRow = state.skippedInRow();
        long updates = state.updates();
        boolean dropped = false;
        Report.Step[] lines = new Report.Step[results.length];
        for (int i = 0; i < results.length; i++) {
            Result r = results[i];
            int behind = results.length - 1 - i;
            double loss = r.lossSum() / config.tokensPerStep();
            boolean spike = judge.spike(r, loss, step - behind);
            dropped = judge.drops(r, spike);
            if (!r.finite() && inRow == 0 && behind == 0) {
                // Once in a row: it takes two steps' time and brings every gradient to the host.
                engine.nonFinite().stream().limit(NAMED).forEach(f -> LOG.warn("step {}, rank {}: {}", step, engine.groups().rank(), f));
            }
            inRow = dropped ? inRow + 1 : 0;
            skipped += dropped ? 1 : 0;
            if (!dropped) {
                updates++;
                judge.accept(r, loss);
            }
            lines[i] = new Report.Step(
                    step - behind, consumed - (long) behind * config.batch().sequences(), state.stage(), state.earlierTokens(), loss, r.norm(),
                    config.schedule().at(step - behind, config.steps()), dropped, spike, skipped);
        }
        boolean past = step > state.rolledBackFrom() + config.spikes().window();
        state = new RunState(
                step, consumed, state.stage(), state.earlierTokens(), skipped, inRow, judge.losses(), judge.norms(), past ? 0 : state.rollbacks(),
                past ? 0 : state.rolledBackFrom(), updates);
        if (results.length > 0) {
            tell(lines);
        }
        return dropped;
    }

    private void tell(Report.Step[] lines) {
        SaveSchedule.Age age = null;
        List<SaveOutcome> ended = snapshots.ended();
        if (report != null) {
            age = snapshots.age(state.step());
            report.steps(age, lines);
            report.saved(ended, snapshots.stats().failures());
            String overdue = snapshots.overdue(age);
            if (!overdue.isEmpty()) {
                LOG.warn("{}", overdue);
            }
        }
        telemetry.looked(lines, report == null ? null : report.speed(), snapshots.stats(), age);
    }

    private void validate() {
        if (data.validation().isEmpty()) {
            return;
        }
        telemetry.does("validates");
        long start = System.nanoTime();
        Validation measured = Validation.of(
                engine, data.validation().get(), data.validationBytesPerToken(), config.batch().microBatch(),
                config.model().context(), config.validation().tokens());
        snapshots.validated(System.nanoTime() - start);
        telemetry.validated(state.step(), measured);
        if (report != null) {
            report.validation(state.step(), measured);
        }
    }

    // Every rank comes here at the same step, since all judge the same sums.
    private void giveUpOrRollBack() {
        String why = "step " + state.step() + ": " + state.skippedInRow() + " steps in a row had no finite loss or a spike";
        boolean goesBack = config.spikes().action() == SpikeConfig.Action.ROLLBACK;
        if (!goesBack || state.rollbacks() >= config.spikes().maxRollbacks()) {
            giveUp(why + (goesBack ? ", after " + state.rollbacks() + " roll-backs" : ""));
        }
        RunState bad = state;
        int rollbacks = bad.rollbacks() + 1;
        state = snapshots.rollBack(bad.step() - bad.skippedInRow(), rollbacks, why);
        // A checkpoint from before another mixture or batch remembers what was usual there.
        judge.restore(snapshots.sameSteps(state.stage()) ? state : RunState.start(bad.stage()));
        // The batches that did the harm are not seen again, whatever happens next.
        state = state.behind(bad, rollbacks);
        snapshots.start(state.step());
        snapshots.save(SaveKind.EPHEMERAL, state);
        telemetry.rolledBack();
        if (leads()) {
            report.rolledBack(bad.step(), state);
            LOG.warn("{}: rolled back to step {} and going on behind sample {}, roll-back {} of {}", why, state.step(), state.consumed(),
                    rollbacks, config.spikes().maxRollbacks());
        }
    }

    private void giveUp(String why) {
        String good = "; the last good checkpoint is at step " + snapshots.lastGood() + " in " + snapshots.root();
        if (!snapshots.all(engine.nonFiniteWeights().isEmpty())) {
            // The files are sound: another start may mend it.
            throw UserError.environment(why + ", and weights in a rank's memory are no numbers (see its lines above)" + good
                    + "; start again, on another node if it comes back");
        }
        throw UserError.badInput(why + good + "; lower schedule.peak, or set spikes.action to rollback to go on behind these batches, "
                + "or spikes.max_skips higher");
    }

    private Outcome end(Outcome outcome) {
        snapshots.await();
        telemetry.saved(snapshots.stats(), leads() ? snapshots.age(state.step()) : null);
        if (leads()) {
            report.saved(snapshots.ended(), snapshots.stats().failures());
        }
        // On every rank: a node whose ranks ended well would not come for another attempt.
        if (snapshots.lastSaved() != state.step()) {
            throw UserError.environment((snapshots.lastSaved() < 0
                    ? "no checkpoint could be saved in " + snapshots.root() + ", and that of step " + state.step() + " is lost"
                    : "the last checkpoint in " + snapshots.root() + " is of step " + snapshots.lastSaved() + ", not of step " + state.step())
                    + ": see the warnings above, mend the disk and start again");
        }
        if (leads()) {
            history.ended(state.step(), outcome.name().toLowerCase(Locale.ROOT), outcome == Outcome.STOPPED ? stop.name() : "");
            report.say(switch (outcome) {
                case FINISHED -> "finished " + state.step() + " steps; checkpoint of the last step in " + snapshots.root();
                case PAUSED -> "paused at step " + state.step() + " of " + config.steps() + " as stop_after says; the same command goes on";
                case STOPPED -> "stopped by " + stop.name() + " at step " + state.step() + " of " + config.steps() + " after saving";
            });
        }
        return outcome;
    }

    // What made a step's loss no number may lie in the weights, and must not get into a checkpoint.
    private boolean sound(Result[] results) {
        if (results[results.length - 1].finite() || snapshots.all(engine.nonFiniteWeights().isEmpty())) {
            return true;
        }
        LOG.warn("step {}: weights are no numbers; no checkpoint is saved", state.step());
        return false;
    }

    private static boolean every(long steps, long step) {
        return steps > 0 && step % steps == 0;
    }

    private boolean leads() {
        return engine.groups().rank() == 0;
    }

    private static boolean asked(Result[] results) {
        return results.length > 0 && results[results.length - 1].stop();
    }

    // The strictest of the steps looked at.
    private static Wish wished(Result[] results) {
        Wish strictest = Wish.NONE;
        for (Result r : results) {
            strictest = r.save().compareTo(strictest) > 0 ? r.save() : strictest;
        }
        return strictest;
    }
}
