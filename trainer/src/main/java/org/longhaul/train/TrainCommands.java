package org.longhaul.train;

import java.util.List;
import org.longhaul.cli.CommandProvider;

/** Contributes {@code longhaul train}, {@code validate} and {@code verify-layout} and {@code bench batches}, {@code bench ranks}. */
public final class TrainCommands implements CommandProvider {
    @Override
    public List<Contribution> commands() {
        return List.of(new Contribution("", new TrainCommand()), new Contribution("", new ValidateCommand()),
                new Contribution("", new VerifyLayoutCommand()),
                new Contribution("bench", new BatchesCommand()), new Contribution("bench", new BenchRanksCommand()));
    }
}
