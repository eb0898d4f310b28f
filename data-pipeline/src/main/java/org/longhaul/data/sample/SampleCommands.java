package org.longhaul.data.sample;

import java.util.List;
import org.longhaul.cli.CommandProvider;

/** Contributes {@code longhaul data sample-corpus}. */
public final class SampleCommands implements CommandProvider {
    @Override
    public List<Contribution> commands() {
        return List.of(new Contribution("data", new SampleCorpusCommand()));
    }
}
