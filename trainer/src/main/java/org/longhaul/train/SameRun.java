package org.longhaul.train;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.config.ConfigDifference;
import org.longhaul.config.ConfigDifference.Change;
import org.longhaul.config.ConfigLoader;
import org.longhaul.error.UserError;
import org.longhaul.model.ModelConfig;

/** Whether a configuration may go on from a checkpoint, and what it changes when it does. */
final class SameRun {
    private SameRun() {}

    /**
     * Throws UserError naming the key where going on would train another model, read samples a second time, or feed the model another
     * tokenizer's ids.
     */
    static void require(Checkpoint checkpoint, TrainConfig config, Map<String, String> fingerprints) {
        RunState state = RunState.of(checkpoint.meta().state());
        boolean sameStage = state.stage() == config.data().stage();
        requireModel(checkpoint, config, !sameStage);
        if (config.data().stage() < state.stage()) {
            throw UserError.badInput(checkpoint.path() + ": is in data stage " + state.stage() + " already, data.stage is " + config.data().stage()
                    + ", whose samples it would read a second time; set data.stage to " + state.stage() + ", or higher for a new mixture");
        }
        requireTokenizer(checkpoint, fingerprints);
        Optional<TrainConfig> before = before(checkpoint);
        before.ifPresent(b -> requireAhead(checkpoint, config.data().skip(), b.data().skip()));
        if (!sameStage) {
            return;
        }
        fingerprints.forEach((name, now) -> {
            String then = checkpoint.meta().fingerprints().get(name);
            if (then != null && !then.equals(now)) {
                throw UserError.badInput(checkpoint.path() + ": trained on " + name + " " + brief(then)
                        + before.map(b -> " of " + b.data().path()).orElse("") + ", that of " + config.data().path() + " is " + brief(now)
                        + "; a new mixture needs a higher data.stage");
            }
        });
        before.filter(b -> b.seed() != config.seed()).ifPresent(b -> {
            throw UserError.badInput(checkpoint.path() + ": its data order has seed " + b.seed() + ", this run's " + config.seed()
                    + ", so samples would repeat; set seed alike or a higher data.stage");
        });
    }

    // Samples are left out only as a run comes by, which those of the checkpoint's own configuration have seen.
    private static void requireAhead(Checkpoint checkpoint, List<SkipConfig> now, List<SkipConfig> then) {
        long step = checkpoint.meta().step();
        for (SkipConfig skip : now) {
            if (skip.behindStep() < step && !then.contains(skip)) {
                throw UserError.badInput(checkpoint.path() + ": is past step " + skip.behindStep() + ", behind which data.skip leaves out " + skip.samples()
                        + " samples; go back first with longhaul checkpoint rollback, or take that out of data.skip");
            }
        }
    }

    /** Throws UserError when a checkpoint's weights do not fit the model; the context may be another one where {@code anyContext}. */
    static void requireModel(Checkpoint checkpoint, TrainConfig config, boolean anyContext) {
        ModelConfig theirs = checkpoint.meta().model();
        List<Change> changes = ConfigDifference.between(theirs, config.model()).stream()
                // What initial weights were drawn from says nothing about weights that are loaded.
                .filter(c -> !c.key().equals("init_std") && !(anyContext && c.key().equals("context")))
                .toList();
        if (!changes.isEmpty()) {
            throw UserError.badInput(checkpoint.path() + ": its model differs from the configuration's: " + said("model.", changes)
                    + "; change model, or name another output or checkpoint");
        }
    }

    /** Throws UserError when a checkpoint was trained on the ids of another tokenizer. */
    private static void requireTokenizer(Checkpoint checkpoint, Map<String, String> fingerprints) {
        String before = checkpoint.meta().fingerprints().get("tokenizer");
        String now = fingerprints.get("tokenizer");
        if (before != null && now != null && !before.equals(now)) {
            throw UserError.badInput(checkpoint.path() + ": trained with tokenizer " + brief(before) + ", the shards of data.path were made with "
                    + brief(now) + ": the same ids mean other text; make the shards with the model's tokenizer (tokenizer.path of longhaul data run)");
        }
    }

    /** Whether a checkpoint's tokenizer is known and not the data's. */
    static boolean otherTokenizer(Checkpoint checkpoint, Map<String, String> fingerprints) {
        String before = checkpoint.meta().fingerprints().get("tokenizer");
        return before != null && fingerprints.containsKey("tokenizer") && !before.equals(fingerprints.get("tokenizer"));
    }

    /** What the configuration says otherwise than the one that a checkpoint was saved under; empty where nothing that shapes the run differs. */
    static Optional<String> changed(Checkpoint checkpoint, TrainConfig config) {
        Optional<TrainConfig> before = before(checkpoint);
        if (before.isEmpty()) {
            return Optional.empty();
        }
        List<Change> changes = ConfigDifference.between(before.get(), config).stream()
                .filter(c -> !c.key().equals("output") && !c.key().equals("stop_after") && !c.key().startsWith("checkpoint.")
                        && !c.key().startsWith("profile."))
                .toList();
        return changes.isEmpty() ? Optional.empty() : Optional.of(said("", changes));
    }

    /** A sentence when the checkpoint's step had another learning rate than the configuration gives it: the rate jumps there. */
    static Optional<String> rateJump(Checkpoint checkpoint, TrainConfig config) {
        long step = checkpoint.meta().step();
        Optional<TrainConfig> before = before(checkpoint);
        if (before.isEmpty() || step < 1 || step > config.steps() || step > before.get().steps()) {
            return Optional.empty();
        }
        double then = before.get().schedule().at(step, before.get().steps());
        double now = config.schedule().at(step, config.steps());
        return then == now ? Optional.empty() : Optional.of("step " + step + " had learning rate " + Sizes.rate(then) + ", under this schedule with " + config.steps()
                + " steps it would have had " + Sizes.rate(now) + ": the rate jumps here; where that is not meant, give back schedule and steps, or start a run of its"
                + " own from a step before the first drop of both with checkpoint.branch_from");
    }

    /** The configuration that a checkpoint was saved under, empty where it has none or is of a version whose keys are not known here. */
    static Optional<TrainConfig> before(Checkpoint checkpoint) {
        if (checkpoint.meta().configYaml().isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(ConfigLoader.parse(checkpoint.meta().configYaml(), checkpoint.path() + "/config.yaml", List.of(), TrainConfig.class));
        } catch (UserError e) {
            return Optional.empty();
        }
    }

    /** Whether a step of the two reads as much of the same data in the same way. */
    static boolean sameSteps(TrainConfig a, TrainConfig b) {
        return a.data().whole().equals(b.data().whole()) && a.batch().sequences() == b.batch().sequences() && a.model().context() == b.model().context();
    }

    private static String said(String prefix, List<Change> changes) {
        return String.join(", ", changes.stream().map(c -> prefix + c).toList());
    }

    private static String brief(String fingerprint) {
        return fingerprint.length() > 12 ? fingerprint.substring(0, 12) + "…" : fingerprint;
    }
}
