package org.longhaul.data.job;

import java.io.PrintWriter;
import org.longhaul.error.UserError;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code longhaul data inspect DIR}. */
@Command(name = "inspect", description = "What a data set kept and dropped: counts, reasons, bytes and tokens by source and language, samples of dropped text.")
final class InspectCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "DIR", description = "Folder of the data set.")
    private String folder;

    @Option(names = "--samples", paramLabel = "N", defaultValue = "2", description = "Samples of dropped text for every stage and reason (default: 2).")
    private int samples;

    @Option(names = "--id", paramLabel = "ID", description = "Only what was decided about the document whose id begins so.")
    private String id;

    @Option(names = "--reason", paramLabel = "REASON", description = "Only decisions for this reason or of this stage, such as near_duplicate or kept; with --source only of that source.")
    private String reason;

    @Option(names = "--source", paramLabel = "SOURCE", description = "Only decisions about documents of this source.")
    private String source;

    @Option(names = "--limit", paramLabel = "N", defaultValue = "20", description = "Decisions to print with --id, --reason or --source (default: 20).")
    private int limit;

    @Option(names = "--verify", description = "Read every shard and compare checksums.")
    private boolean verify;

    @Override
    public void run() {
        if (samples < 0 || limit < 1) {
            throw UserError.badInput("--samples must not be negative and --limit at least 1: " + samples + ", " + limit);
        }
        PrintWriter out = spec.commandLine().getOut();
        Report report = Report.read(folder);
        if (id != null || reason != null || source != null) {
            new DecisionQuery(id, reason, source, limit).print(folder, out);
        } else {
            ReportText.full(report, samples).forEach(out::println);
        }
        if (verify) {
            org.longhaul.shards.ShardSet.open(java.nio.file.Path.of(folder)).verify();
            out.println();
            out.println("all checksums match");
        }
    }
}
