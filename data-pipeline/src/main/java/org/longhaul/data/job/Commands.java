package org.longhaul.data.job;

import java.util.List;
import org.longhaul.cli.CommandProvider;

/** Contributes {@code data run}, {@code data inspect}, {@code data report} and {@code data add-sums}. */
public final class Commands implements CommandProvider {
    @Override
    public List<Contribution> commands() {
        return List.of(new Contribution("data", new RunCommand()), new Contribution("data", new InspectCommand()),
                new Contribution("data", new ReportCommand()), new Contribution("data", new AddSumsCommand()));
    }
}
