package org.longhaul.tokenizer.cli;

import java.util.List;
import org.longhaul.cli.CommandProvider;
import org.longhaul.tokenizer.bench.BenchCommand;

/** Contributes {@code longhaul tokenizer …} and {@code longhaul bench tokenizer}. */
public final class TokenizerCommands implements CommandProvider {
    @Override
    public List<Contribution> commands() {
        return List.of(new Contribution("tokenizer", new TrainCommand()), new Contribution("tokenizer", new EncodeCommand()),
                new Contribution("tokenizer", new DecodeCommand()), new Contribution("tokenizer", new VerifyCommand()), new Contribution("tokenizer", new StatsCommand()),
                new Contribution("bench", new BenchCommand()));
    }
}
