package org.longhaul.data.job;

import java.io.PrintWriter;
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

    @Option(names = "--verify", description = "Read every shard and compare checksums.")
    private boolean verify;

    @Override
    public void run() {
        PrintWriter out = spec.commandLine().getOut();
        ReportText.full(Report.read(folder), samples).forEach(out::println);
        if (verify) {
            org.longhaul.shards.ShardSet.open(java.nio.file.Path.of(folder)).verify();
            out.println();
            out.println("all checksums match");
        }
    }
}
