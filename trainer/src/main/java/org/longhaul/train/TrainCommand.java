package org.longhaul.train;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.longhaul.cli.LineStamp;
import org.longhaul.config.ConfigLoader;
import org.longhaul.error.ExitCode;
import org.longhaul.launch.RankEnvironment;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code longhaul train}: trains, or goes on from the newest checkpoint. */
@Command(name = "train", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Trains a model as a YAML file says; started again, goes on from the newest complete checkpoint.",
        footer = {"", "Example: longhaul train configs/7b.yaml stop_after=1000 batch.micro_batch=1",
            "SIGTERM, SIGUSR1 or Ctrl-C save and end with exit status 75, which asks a scheduler to start the job again."})
final class TrainCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "CONFIG", description = "The job as YAML.")
    private Path file;

    @Parameters(index = "1..*", paramLabel = "KEY=VALUE", description = "Overrides, such as optimizer.clip=0.5.")
    private List<String> overrides = List.of();

    @Override
    public Integer call() {
        RankEnvironment self = RankEnvironment.detect(System.getenv());
        if (!RankEnvironment.launched(System.getenv())) {
            LineStamp.begin(self.worldSize() > 1 ? "[rank " + self.rank() + "] " : "");
        }
        TrainConfig config = ConfigLoader.load(file, overrides, TrainConfig.class);
        Trainer.Outcome outcome = TrainJob.run(config, self);
        return outcome == Trainer.Outcome.STOPPED ? ExitCode.REQUEUE.status() : ExitCode.DONE.status();
    }
}
