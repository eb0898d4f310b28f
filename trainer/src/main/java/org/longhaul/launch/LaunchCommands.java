package org.longhaul.launch;

import java.util.List;
import org.longhaul.cli.CommandProvider;

/** Contributes {@code longhaul launch}. */
public final class LaunchCommands implements CommandProvider {
    @Override
    public List<Contribution> commands() {
        return List.of(new Contribution("", new LaunchCommand()));
    }
}
