package org.longhaul.interchange;

import java.util.List;
import org.longhaul.cli.CommandProvider;

/** Contributes {@code longhaul checkpoint export-hf|import-hf}. */
public final class InterchangeCommands implements CommandProvider {
    @Override
    public List<Contribution> commands() {
        return List.of(new Contribution("checkpoint", new ExportHfCommand()), new Contribution("checkpoint", new ImportHfCommand()));
    }
}
