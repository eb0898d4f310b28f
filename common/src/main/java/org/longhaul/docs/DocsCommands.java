package org.longhaul.docs;

import java.util.List;
import org.longhaul.cli.CommandProvider;

/** The commands that generate reference pages. */
public final class DocsCommands implements CommandProvider {
    @Override
    public List<Contribution> commands() {
        return List.of(new Contribution("docs", new ConfigPage()));
    }
}
