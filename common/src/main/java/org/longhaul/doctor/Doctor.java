package org.longhaul.doctor;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code longhaul doctor}: what this machine has and what to mend. */
@Command(name = "doctor", description = "Looks at JDK, memory, disk, libtorch, GPUs, NCCL and Spark, and with a training job's YAML also at the places that it "
        + "reads and writes: can it write, read, rename and delete there, how fast, and is there room; says how to mend what is missing. "
        + "Exit status 3 when something must be mended. With --verify every shard of the job's data set is read too; exit status 2 when one is damaged.",
        footer = {"", "Examples:", "  longhaul doctor configs/7b.yaml checkpoint.path=s3a://bucket/run", "  longhaul doctor configs/7b.yaml --verify",
            "  longhaul doctor --verify --data s3a://bucket/shards --threads 32"})
final class Doctor implements Callable<Integer> {
    private static final int MOST_THREADS = 1024;

    @Parameters(index = "0", arity = "0..1", paramLabel = "CONFIG", description = "A training job as YAML.")
    private Path config;

    @Parameters(index = "1..*", paramLabel = "KEY=VALUE", description = "Overrides, such as checkpoint.path=s3a://bucket/run.")
    private List<String> overrides = List.of();

    @Option(names = "--verify", description = "Read every file of the job's data set (all its splits) and compare checksums, as one best does before a long run "
            + "on every node that has a copy of its own.")
    private boolean verify;

    @Option(names = "--data", paramLabel = "PLACE", description = "With --verify: a data set's folder, hdfs:// or s3a:// URL to read besides the job's; may be "
            + "given several times, and needs no CONFIG.")
    private List<String> places = List.of();

    @Option(names = "--threads", paramLabel = "N", description = "With --verify: threads that read at once (default: 4 to 16, by the machine's processors).")
    private Integer threads;

    @Spec private CommandSpec spec;

    @Override
    public Integer call() {
        List<DoctorCheck> checks = new ArrayList<>();
        ServiceLoader.load(DoctorCheck.class).forEach(checks::add);
        PrintWriter out = spec.commandLine().getOut();
        int status = report(checks, config, overrides, wanted(), out);
        out.flush();
        return status;
    }

    private Optional<Verification> wanted() {
        if (!verify) {
            if (!places.isEmpty() || threads != null) {
                throw UserError.badInput("--data and --threads say what --verify reads and how; add --verify");
            }
            return Optional.empty();
        }
        if (config == null && places.isEmpty()) {
            throw UserError.badInput("--verify needs a training job's YAML, or a data set with --data");
        }
        if (threads != null && (threads < 1 || threads > MOST_THREADS)) {
            throw UserError.badInput("--threads must lie between 1 and " + MOST_THREADS + ": " + threads);
        }
        int usual = Math.max(4, Math.min(16, Runtime.getRuntime().availableProcessors()));
        return Optional.of(new Verification(Optional.ofNullable(config), overrides, places, threads == null ? usual : threads));
    }

    static int report(List<DoctorCheck> checks, Path config, List<String> overrides, Optional<Verification> wanted, PrintWriter out) {
        int warnings = 0;
        int failures = 0;
        int bad = 0;
        for (DoctorCheck check : checks.stream().sorted(Comparator.comparingInt(DoctorCheck::order)).toList()) {
            for (Finding finding : look(check, config, overrides, wanted)) {
                out.println(finding.line());
                out.flush();
                warnings += finding.level() == Finding.Level.WARN ? 1 : 0;
                failures += finding.level() == Finding.Level.FAIL ? 1 : 0;
                bad += finding.level() == Finding.Level.BAD ? 1 : 0;
            }
        }
        int mend = failures + bad;
        out.println(mend > 0 ? "\n" + mend + " to mend before Longhaul works" + (warnings > 0 ? ", " + warnings + " to look at" : "")
                : warnings > 0 ? "\nready, " + warnings + " to look at" : "\nready");
        return bad > 0 ? ExitCode.BAD_INPUT.status() : failures > 0 ? ExitCode.ENVIRONMENT.status() : ExitCode.DONE.status();
    }

    /** A check that breaks is itself a finding: the others must still be reported. */
    private static List<Finding> look(DoctorCheck check, Path config, List<String> overrides, Optional<Verification> wanted) {
        try {
            List<Finding> findings = new ArrayList<>(check.look());
            if (config != null) {
                findings.addAll(check.look(config, overrides));
            }
            wanted.ifPresent(w -> findings.addAll(check.verify(w)));
            return findings;
        } catch (RuntimeException | LinkageError e) {
            return List.of(Finding.fail(check.getClass().getSimpleName(), "broke: " + e, "report it with this line"));
        }
    }
}
