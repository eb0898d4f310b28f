package org.longhaul.bench;

import java.util.List;
import org.longhaul.cli.CommandProvider;

/** Contributes {@code longhaul bench gpu}. */
public final class BenchCommands implements CommandProvider {
    @Override
    public List<Contribution> commands() {
        return List.of(new Contribution("bench", new GpuBench()));
    }
}
