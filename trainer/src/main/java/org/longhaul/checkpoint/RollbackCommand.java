package org.longhaul.checkpoint;

import java.io.PrintWriter;
import java.util.List;
import org.longhaul.error.UserError;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Takes the checkpoints behind one out of use, so that the next start goes on from it. */
@Command(name = "rollback", description = "Go back by hand: take all later checkpoints of a stopped run out of use, so that the next start goes on from this one. "
        + "The run deletes them when it next saves.")
final class RollbackCommand implements Runnable {
    @Parameters(paramLabel = "CHECKPOINT", description = "The step's folder to go on from.")
    private String checkpoint;

    @Option(names = "--why", paramLabel = "TEXT", defaultValue = "rolled back by hand",
            description = "Why the later ones are bad, for 'checkpoint ls' (default: ${DEFAULT-VALUE}).")
    private String why;

    @Spec private CommandSpec spec;

    @Override
    public void run() {
        CheckpointRef ref = CheckpointRef.parse(checkpoint);
        if (ref.step().isEmpty()) {
            throw UserError.badInput(checkpoint + ": names no step; name the folder of the checkpoint to go back to, such as " + ref.root() + "/step-00001200");
        }
        if (why.isBlank()) {
            throw UserError.badInput("--why must not be empty");
        }
        PrintWriter out = spec.commandLine().getOut();
        try (CheckpointStore store = ref.store()) {
            long step = ref.open(store).meta().step();
            List<String> taken = store.rollBackTo(step, why.strip().replaceAll("\\s+", " "));
            for (String name : taken) {
                out.println(store.root() + "/" + name + " is out of use");
            }
            out.println(taken.isEmpty() ? ref.step() + " is the newest complete checkpoint already"
                    : "the next start goes on from step " + step + "; they are deleted when the run next saves. To take one back before, delete its file " + CheckpointFolders.INVALID
                            + "; to keep one, copy its folder elsewhere");
        }
    }
}
