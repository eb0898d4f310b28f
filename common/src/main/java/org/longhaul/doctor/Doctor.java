package org.longhaul.doctor;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import org.longhaul.error.ExitCode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code longhaul doctor}: what this machine has and what to mend. */
@Command(name = "doctor", description = "Looks at JDK, memory, disk, libtorch, GPUs, NCCL and Spark, and says how to mend what is missing. "
        + "Exit status 3 when something must be mended.")
final class Doctor implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Override
    public Integer call() {
        List<DoctorCheck> checks = new ArrayList<>();
        ServiceLoader.load(DoctorCheck.class).forEach(checks::add);
        PrintWriter out = spec.commandLine().getOut();
        int status = report(checks, out);
        out.flush();
        return status;
    }

    static int report(List<DoctorCheck> checks, PrintWriter out) {
        int warnings = 0;
        int failures = 0;
        for (DoctorCheck check : checks.stream().sorted(Comparator.comparingInt(DoctorCheck::order)).toList()) {
            for (Finding finding : look(check)) {
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
    private static List<Finding> look(DoctorCheck check) {
        try {
            return check.look();
        } catch (RuntimeException | LinkageError e) {
            return List.of(Finding.fail(check.getClass().getSimpleName(), "broke: " + e, "report it with this line"));
        }
    }
}
