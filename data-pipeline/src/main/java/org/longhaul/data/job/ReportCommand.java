package org.longhaul.data.job;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code longhaul data report DIR}. */
@Command(name = "report", description = "Write what a data set kept and dropped as one self-contained HTML page.")
final class ReportCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "DIR", description = "Folder of the data set.")
    private String folder;

    @Option(names = {"-o", "--output"}, paramLabel = "FILE", defaultValue = "data-report.html", description = "File to write (default: ${DEFAULT-VALUE}).")
    private Path output;

    @Override
    public void run() {
        String page = ReportHtml.page(Report.read(folder), "Data set " + folder);
        try {
            Files.writeString(output, page);
        } catch (IOException e) {
            throw UserError.badInput(output + ": cannot be written: " + Reason.of(e), e);
        }
        spec.commandLine().getOut().println(output.toAbsolutePath());
    }
}
