package org.longhaul.checkpoint;

import java.util.List;
import org.longhaul.cli.CommandProvider;

/** Contributes {@code longhaul checkpoint ls|verify|diff|reshard|rollback} and {@code longhaul bench checkpoint}. */
public final class CheckpointCommands implements CommandProvider {
    @Override
    public List<Contribution> commands() {
        return List.of(new Contribution("checkpoint", new LsCommand()), new Contribution("checkpoint", new VerifyCommand()),
                new Contribution("checkpoint", new DiffCommand()), new Contribution("checkpoint", new ReshardCommand()),
                new Contribution("checkpoint", new RollbackCommand()),
                new Contribution("bench", new CheckpointBench()));
    }
}
