package org.longhaul.report;

import java.util.List;
import org.longhaul.cli.CommandProvider;

/** Contributes {@code longhaul summary}. */
public final class ReportCommands implements CommandProvider {
    @Override
    public List<Contribution> commands() {
        return List.of(new Contribution("", new SummaryCommand()));
    }
}
