package org.longhaul.plan;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.longhaul.config.ConfigLoader;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
import org.longhaul.train.TrainConfig;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code longhaul plan}: what a training job needs, without a GPU and without its data. */
@Command(name = "plan", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Says what a training job needs: parameters, FLOPs, memory, layout, time; asks no GPU and reads no data. Exit status 2 when the layout does not fit.",
        footer = {"", "Example: longhaul plan configs/67b.yaml --processes 512"})
final class PlanCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "CONFIG", description = "The job as YAML.")
    private Path file;

    @Parameters(index = "1..*", paramLabel = "KEY=VALUE", description = "Overrides, such as batch.micro_batch=2.")
    private List<String> overrides = List.of();

    @Option(names = "--processes", paramLabel = "N", defaultValue = "0",
            description = "GPUs of the job; 0 takes as many as the mesh names (default: ${DEFAULT-VALUE}).")
    private int processes;

    @Option(names = "--gpu-memory", paramLabel = "GIB", defaultValue = "139", description = "GiB of one GPU that a job can use (default: ${DEFAULT-VALUE}, an H200).")
    private double gpuMemory;

    @Option(names = "--tflops", paramLabel = "TFLOPS", defaultValue = "0",
            description = "TFLOP/s that one GPU is assumed to reach, for the time (default: ${DEFAULT-VALUE}, no time).")
    private double teraflops;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        TrainConfig config = ConfigLoader.load(file, overrides, TrainConfig.class);
        PlanReport report = new PlanReport(config, processes, (long) (gpuMemory * (1L << 30)), teraflops);
        spec.commandLine().getOut().print(report.text());
        spec.commandLine().getOut().flush();
        if (!report.misfit().isEmpty()) {
            throw UserError.badInput(report.misfit());
        }
        return ExitCode.DONE.status();
    }
}
