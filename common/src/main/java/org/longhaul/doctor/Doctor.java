package org.longhaul.doctor;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import org.longhaul.error.ExitCode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code longhaul doctor}: what this machine has and what to mend. */
@Command(name = "doctor", description = "Looks at JDK, memory, disk, libtorch, GPUs, NCCL and Spark, and with a training job's YAML also at the places that it "
        + "reads and writes: can it write, read, rename and delete there, how fast, and is there room; says how to mend what is missing. "
        + "Exit status 3 when something must be mended.", footer = {"", "Example: longhaul doctor configs/7b.yaml checkpoint.path=s3a://bucket/run"})
final class Doctor implements Callable<Integer> {
    @Parameters(index = "0", arity = "0..1", paramLabel = "CONFIG", description = "A training job as YAML.")
    private Path config;

    @Parameters(index = "1..*", paramLabel = "KEY=VALUE", description = "Overrides, such as checkpoint.path=s3a://bucket/run.")
    private List<String> overrides = List.of();

    @Spec private CommandSpec spec;

    @Override
    public Integer call() {
        List<DoctorCheck> checks = new ArrayList<>();
        ServiceLoader.load(DoctorCheck.class).forEach(checks::add);
        PrintWriter out = spec.commandLine().getOut();
        int status = report(checks, config, overrides, out);
        out.flush();
        return status;
    }

    static int report(List<DoctorCheck> checks, Path config, List<String> overrides, PrintWriter out) {
        int warnings = 0;
        int failures = 0;
        for (DoctorCheck check : checks.stream().sorted(Comparator.comparingInt(DoctorCheck::order)).toList()) {
            for (Finding finding : look(check, config, overrides)) {
                out.println(finding.line());
                out.flush();
                warnings += finding.level() == Finding.Level.WARN ? 1 : 0;
                failures += finding.level() == Finding.Level.FAIL ? 1 : 0;
            }
        }
        out.println(failures > 0 ? "\n" + failures + " to mend before Longhaul works" + (warnings > 0 ? ", " + warnings + " to look at" : "")
                : warnings > 0 ? "\nready, " + warnings + " to look at" : "\nready");
        return failures > 0 ? ExitCode.ENVIRONMENT.status() : ExitCode.DONE.status();
    }

    /** A check that breaks is itself a finding: the others must still be reported. */
    private static List<Finding> look(DoctorCheck check, Path config, List<String> overrides) {
        try {
            List<Finding> findings = new ArrayList<>(check.look());
            if (config != null) {
                findings.addAll(check.look(config, overrides));
            }
            return findings;
        } catch (RuntimeException | LinkageError e) {
            return List.of(Finding.fail(check.getClass().getSimpleName(), "broke: " + e, "report it with this line"));
        }
    }
}
