package org.longhaul.train;

import java.util.List;
import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.config.ConfigLoader;
import org.longhaul.error.UserError;

/** When a run may go on from another run's checkpoint as if it had been its own from the first step. */
final class Branch {
    private Branch() {}

    /** Throws UserError naming the key that makes the two runs differ before the branch. */
    static void require(Checkpoint checkpoint, TrainConfig config) {
        long step = checkpoint.meta().step();
        if (checkpoint.meta().configYaml().isEmpty()) {
            throw UserError.badInput(checkpoint.path() + " is not of a training run; checkpoint.init_from starts from weights alone");
        }
        TrainConfig trunk = ConfigLoader.parse(checkpoint.meta().configYaml(), checkpoint.path() + "/config.yaml", List.of(), TrainConfig.class);
        if (step >= config.steps()) {
            throw UserError.badInput(checkpoint.path() + ": step " + step + " is not before the end of this run; steps must be above it: "
                    + config.steps());
        }
        double then = trunk.schedule().at(step, trunk.steps());
        double now = config.schedule().at(step, config.steps());
        if (then != now) {
            throw UserError.badInput(checkpoint.path() + ": its step " + step + " had learning rate " + Sizes.rate(then) + ", under this schedule with "
                    + config.steps() + " steps it would have had " + Sizes.rate(now) + "; branch from a step before the first drop of both, or start from the "
                    + "weights alone with checkpoint.init_from");
        }
    }
}
