package org.longhaul.doctor;

import java.util.List;
import org.longhaul.cli.CommandProvider;

/** Contributes {@code longhaul doctor}. */
public final class DoctorCommands implements CommandProvider {
    @Override
    public List<Contribution> commands() {
        return List.of(new Contribution("", new Doctor()));
    }
}
