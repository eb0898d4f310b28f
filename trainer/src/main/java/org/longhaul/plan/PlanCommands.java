package org.longhaul.plan;

import java.util.List;
import org.longhaul.cli.CommandProvider;

/** Contributes {@code longhaul plan}. */
public final class PlanCommands implements CommandProvider {
    @Override
    public List<Contribution> commands() {
        return List.of(new Contribution("", new PlanCommand()));
    }
}
