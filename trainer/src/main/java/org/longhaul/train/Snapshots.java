package org.longhaul.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.longhaul.checkpoint.BoxData;
import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.checkpoint.CheckpointInfo;
import org.longhaul.checkpoint.CheckpointMeta;
import org.longhaul.checkpoint.CheckpointRef;
import org.longhaul.checkpoint.CheckpointSaver;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.checkpoint.DataPlace;
import org.longhaul.checkpoint.RankGroup;
import org.longhaul.checkpoint.SaveKind;
import org.longhaul.checkpoint.SaveOutcome;
import org.longhaul.checkpoint.SaveSchedule;
import org.longhaul.checkpoint.SaveSchedule.Wish;
import org.longhaul.checkpoint.SaveStats;
import org.longhaul.checkpoint.StateBoxes;
import org.longhaul.config.ConfigWriter;
import org.longhaul.error.UserError;
import org.longhaul.tensor.Backend;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A run's checkpoints: finds where to start, and saves. */
final class Snapshots implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Snapshots.class);
    private static final long NOWHERE = -1;

    private final TrainConfig config;
    private final Backend backend;
    private final Engine engine;
    private final Map<String, String> fingerprints;
    private final Mixture mixture;
    private final CheckpointStore store;
    private final CheckpointSaver saver;
    private final SaveSchedule schedule;
    private final RankGroup ranks;
    private Checkpoint compared;
    private long failures;

    Snapshots(TrainConfig config, Backend backend, Engine engine, Map<String, String> fingerprints, Mixture mixture, RankGroup ranks) {
        this.config = config;
        this.backend = backend;
        this.engine = engine;
        this.fingerprints = fingerprints;
        this.ranks = ranks;
        this.mixture = mixture;
        this.store = CheckpointStore.open(config.checkpointRoot(), ranks);
        this.saver = new CheckpointSaver(store, backend, config.checkpoint().retention());
        this.schedule = new SaveSchedule(config.checkpoint().retention());
    }

    /** Fills the engine from the newest complete checkpoint, or empty when the run starts anew. */
    Optional<RunState> resume() {
        // As rank 0 sees it: another node's network file system may show it a minute later.
        boolean any = !ranks.first(leads() ? store.newestComplete().map(CheckpointInfo::name).orElse("") : "").isEmpty();
        switch (config.checkpoint().resume()) {
            case NEVER -> {
                if (any) {
                    throw UserError.badInput(store.root() + ": holds checkpoints, and checkpoint.resume is never; name another output or "
                            + "set checkpoint.resume to auto");
                }
                store.cleanUp();
                return Optional.empty();
            }
            case ALWAYS -> {
                if (!any) {
                    throw UserError.badInput(store.root() + ": no complete checkpoint, and checkpoint.resume is always");
                }
            }
            case AUTO -> {
                // Whatever is there.
            }
        }
        store.cleanUp();
        Optional<CheckpointMeta> meta = store.loadNewest(backend, checkpoint -> {
            SameRun.require(checkpoint, config, fingerprints);
            compared = checkpoint;
            return boxes(true);
        });
        // What killed saves left is gone by now: whatever is listed was a checkpoint once.
        if (meta.isEmpty() && !store.list(1).isEmpty()) {
            throw UserError.badInput(store.root() + ": every checkpoint is damaged, as the warnings say, and a new start at step 0 would take their place; "
                    + "restore one of them, or move the folder away, or name another output");
        }
        if (leads()) {
            meta.ifPresent(m -> SameRun.rateJump(compared, config).ifPresent(LOG::warn));
        }
        return meta.map(this::state);
    }

    /** Fills the weights from another run's checkpoint folder. */
    void initFrom(String folder) {
        CheckpointRef ref = CheckpointRef.parse(folder);
        try (CheckpointStore other = ref.store()) {
            Checkpoint checkpoint = ref.open(other);
            SameRun.requireModel(checkpoint, config, true);
            if (leads() && SameRun.otherTokenizer(checkpoint, fingerprints)) {
                LOG.warn("{} was trained with another tokenizer than the shards of {} were made with: the same ids mean other text", checkpoint.path(),
                        config.data().path());
            }
            compared = checkpoint;
            checkpoint.load(backend, boxes(false));
        }
    }

    /**
     * Fills weights and optimizer from another run's checkpoint, to go on with another length, decay or mixture. The rate of the step
     * reached must be the same under both schedules, so that what comes is what a run of the new length would have done.
     */
    RunState branchFrom(String folder) {
        CheckpointRef ref = CheckpointRef.parse(folder);
        try (CheckpointStore other = ref.store()) {
            Checkpoint checkpoint = ref.open(other);
            SameRun.require(checkpoint, config, fingerprints);
            Branch.require(checkpoint, config);
            compared = checkpoint;
            checkpoint.load(backend, boxes(true));
            return state(checkpoint.meta());
        }
    }

    /**
     * Loads a checkpoint of a step at most {@code step} and takes later ones out of use: the newest at the first roll-back, the one before at
     * the second and so on, as far as there are any.
     */
    RunState rollBack(long step, int times, String why) {
        saver.await();
        long back = leads() ? backTo(step, times) : NOWHERE;
        if (!all(!leads() || back != NOWHERE)) {
            throw UserError.badInput(why + ", and " + store.root() + " holds no checkpoint from before them to roll back to; "
                    + "save more often (checkpoint.retention), or lower schedule.peak");
        }
        store.abandonAfter(back, why);
        return store.loadNewest(backend, checkpoint -> {
            compared = checkpoint;
            return boxes(true);
        }).map(this::state).orElseThrow(() -> UserError.badInput(store.root() + ": no complete checkpoint to roll back to"));
    }

    private long backTo(long step, int times) {
        List<Long> steps = store.list().stream().filter(c -> c.complete() && c.step() <= step).map(CheckpointInfo::step).distinct().toList();
        return steps.isEmpty() ? NOWHERE : steps.get(Math.min(times, steps.size()) - 1);
    }

    /** Whether all ranks say so; all must ask. Waits for the save under way. */
    boolean all(boolean mine) {
        saver.await();
        return ranks.all(mine);
    }

    /** What rank 0 wishes of the next look. Whoever else asks gets an answer by its own clock. */
    Wish due(long step, SaveSchedule.Outlook outlook) {
        return schedule.due(step, outlook, saver.stats(), saver.busy());
    }

    /** Seconds that may pass until a save that is asked for one look later than now is complete; asked after {@link #due}. */
    double secondsUntilSaved(SaveSchedule.Outlook outlook) {
        return schedule.secondsUntilSaved(outlook);
    }

    /** Training goes on from a step. */
    void start(long step) {
        schedule.start(step);
    }

    /** Tells the clock of saves that the results of a step were looked at. */
    void looked(long step) {
        schedule.looked(step);
    }

    /** Tells it how long a validation took. */
    void validated(long nanos) {
        schedule.validated(nanos);
    }

    /** What a fault after a step would cost. */
    SaveSchedule.Age age(long step) {
        return schedule.age(step, saver.stats());
    }

    /** A warning when that is more than it should be, empty otherwise. */
    String overdue(SaveSchedule.Age age) {
        return schedule.overdue(age);
    }

    /** Takes the memory that saves need. */
    void reserve() {
        saver.reserve(saved());
    }

    private List<BoxData> saved() {
        List<BoxData> boxes = new ArrayList<>();
        engine.stores().forEach(s -> boxes.addAll(StateBoxes.saved(s)));
        return boxes;
    }

    /** Stages the state; it is written while training goes on. Answers whether the save before failed. */
    boolean save(SaveKind kind, RunState state) {
        stand(saver::await);
        boolean failed = saver.stats().failures() > failures;
        failures = saver.stats().failures();
        schedule.taken(state.step(), saver.stats());
        saver.start(
                new CheckpointMeta(state.step(), kind, config.model(), ConfigWriter.toYaml(config), fingerprints,
                        mixture.into(DataPlace.keep(state.json(), config.data().path()))), saved());
        return failed;
    }

    /**
     * The same, as strictly as rank 0 wished it: where training must wait, returns when a checkpoint that is young enough is complete, or a rank
     * is asked to stop. All ranks know alike how a save went, so they wait alike.
     */
    void save(SaveKind kind, RunState state, Wish wish, BooleanSupplier stop) {
        boolean lastFailed = save(kind, state);
        if (wish != Wish.WAIT && !(wish == Wish.WAIT_FOR_LAST && lastFailed)) {
            return;
        }
        stand(saver::await);
        for (int tries = 0; saver.stats().failures() > failures && ranks.all(!stop.getAsBoolean()); tries++) {
            long pause = 1_000_000_000L << Math.min(tries, 5);
            stand(() -> LockSupport.parkNanos(pause));
            save(kind, state);
            stand(saver::await);
        }
    }

    private void stand(Runnable wait) {
        long start = System.nanoTime();
        wait.run();
        schedule.stood(System.nanoTime() - start);
    }

    /** Must be called before the state changes: the device lets a save's copies finish first. */
    void gate() {
        saver.gate();
    }

    /** Waits for the save under way. */
    void await() {
        saver.await();
    }

    /** The step of the last save that was committed, −1 for none. */
    long lastSaved() {
        return saver.stats().lastStep();
    }

    /** The step of the newest complete checkpoint, as words. */
    String lastGood() {
        return store.newestComplete().map(c -> Long.toString(c.step())).orElse("(none)");
    }

    /** The folder of the checkpoint that the run started from, empty where it started anew. */
    String origin() {
        return compared == null ? "" : compared.path();
    }

    /** Tokens of a sample in that checkpoint. */
    int context() {
        return compared.meta().model().context();
    }

    /** What the configuration says otherwise than that checkpoint's. */
    Optional<String> changed() {
        return compared == null ? Optional.empty() : SameRun.changed(compared, config);
    }

    /** Whether steps are of the same kind as before that checkpoint, which was in {@code stage}: the same data, as much of it a step. */
    boolean sameSteps(int stage) {
        return stage == config.data().stage() && (compared == null || SameRun.before(compared).map(before -> SameRun.sameSteps(before, config)).orElse(true));
    }

    /** How saving went so far. */
    SaveStats stats() {
        return saver.stats();
    }

    /** The saves that have ended since this was last asked. */
    List<SaveOutcome> ended() {
        return saver.ended();
    }

    /** Where checkpoints lie. */
    String root() {
        return store.root();
    }

    private boolean leads() {
        return engine.groups().rank() == 0;
    }

    private RunState state(CheckpointMeta meta) {
        RunState state = RunState.of(meta.state());
        mixture.restore(meta.state(), state.stage() != config.data().stage(), state.step());
        return state;
    }

    private List<BoxData> boxes(boolean moments) {
        List<BoxData> boxes = new ArrayList<>();
        engine.stores().forEach(s -> boxes.addAll(moments ? StateBoxes.resumed(s) : StateBoxes.initial(s)));
        return boxes;
    }

    @Override
    public void close() {
        saver.close();
        store.close();
    }
}
