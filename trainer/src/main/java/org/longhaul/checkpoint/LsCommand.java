package org.longhaul.checkpoint;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.longhaul.error.UserError;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Lists checkpoints. */
@Command(name = "ls", description = "List the checkpoints of a run, newest first, with what is wrong with incomplete ones.")
final class LsCommand implements Runnable {
    @Parameters(paramLabel = "FOLDER", description = "A run's output or its folder of checkpoints: a path, file://, hdfs:// or s3a://.")
    private String folder;

    @Option(names = "--newest", paramLabel = "N", description = "Only the newest N.")
    private int newest = Integer.MAX_VALUE;

    @Option(names = "--json", description = "One JSON list.")
    private boolean json;

    @Spec private CommandSpec spec;

    @Override
    public void run() {
        if (newest < 1) {
            throw UserError.badInput("--newest must be at least 1: " + newest);
        }
        PrintWriter out = spec.commandLine().getOut();
        try (CheckpointStore store = CheckpointRef.parse(folder).store()) {
            List<CheckpointInfo> all = store.list(newest);
            if (all.isEmpty()) {
                throw UserError.badInput("no checkpoints in " + store.root());
            }
            if (json) {
                out.println(new String(Manifest.encode(all), StandardCharsets.UTF_8));
                return;
            }
            out.printf("%-20s %12s  %-9s  %10s  %-20s  %s%n", "NAME", "STEP", "KIND", "SIZE", "SAVED", "STATE");
            for (CheckpointInfo c : all) {
                out.printf("%-20s %,12d  %-9s  %10s  %-20s  %s%n", c.name(), c.step(), c.complete() ? c.kind().word() : "-",
                        c.complete() ? size(c.bytes()) : "-", c.created(), c.complete() ? "complete" : "unusable: " + c.problem());
            }
            long complete = all.stream().filter(CheckpointInfo::complete).count();
            out.printf("%,d complete, %s%s%n", complete, size(all.stream().mapToLong(CheckpointInfo::bytes).sum()),
                    complete == all.size() ? "" : "; %,d unusable".formatted(all.size() - complete));
        }
    }

    static String size(long bytes) {
        String[] units = {"B", "KiB", "MiB", "GiB", "TiB"};
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < units.length - 1) {
            value /= 1024;
            unit++;
        }
        return unit == 0 ? bytes + " B" : "%.1f %s".formatted(value, units[unit]);
    }
}
