package org.longhaul.checkpoint;

import java.io.PrintWriter;
import java.util.List;
import org.longhaul.error.UserError;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Reads checkpoints whole and checks every byte. */
@Command(name = "verify", description = "Read a checkpoint whole and check every byte against its checksums. Exit 2 when anything is wrong.")
final class VerifyCommand implements Runnable {
    @Parameters(paramLabel = "CHECKPOINT", description = "A run's folder (its newest step) or one step's folder.")
    private String checkpoint;

    @Option(names = "--all", description = "Every checkpoint of the folder.")
    private boolean all;

    @Spec private CommandSpec spec;

    @Override
    public void run() {
        PrintWriter out = spec.commandLine().getOut();
        CheckpointRef ref = CheckpointRef.parse(checkpoint);
        int bad = 0;
        try (CheckpointStore store = ref.store()) {
            if (!all) {
                bad += report(out, ref.open(store));
            } else {
                List<CheckpointInfo> infos = store.list();
                if (infos.isEmpty()) {
                    throw UserError.badInput("no checkpoints in " + store.root());
                }
                for (CheckpointInfo info : infos) {
                    if (info.complete()) {
                        bad += report(out, store.open(info));
                    } else {
                        out.println(store.root() + "/" + info.name() + " is unusable: " + info.problem());
                        bad++;
                    }
                }
            }
        }
        if (bad > 0) {
            throw UserError.badInput(bad == 1 ? "1 checkpoint is damaged" : bad + " checkpoints are damaged");
        }
    }

    private static int report(PrintWriter out, Checkpoint c) {
        long start = System.nanoTime();
        List<String> faults = c.verify();
        if (faults.isEmpty()) {
            double seconds = (System.nanoTime() - start) * 1e-9;
            out.printf("%s: %d tensors, %s, all checksums match (%.2f GB/s)%n", c.path(), c.tensorNames().size(),
                    LsCommand.size(c.bytes()), c.bytes() / seconds / 1e9);
            return 0;
        }
        faults.forEach(out::println);
        return 1;
    }
}
