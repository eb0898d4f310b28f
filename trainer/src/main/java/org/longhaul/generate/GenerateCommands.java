package org.longhaul.generate;

import java.util.List;
import org.longhaul.cli.CommandProvider;

/** Contributes {@code longhaul generate}. */
public final class GenerateCommands implements CommandProvider {
    @Override
    public List<Contribution> commands() {
        return List.of(new Contribution("", new GenerateCommand()));
    }
}
