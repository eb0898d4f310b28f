package org.longhaul.train;

import java.nio.file.Path;
import java.util.List;
import org.longhaul.config.ConfigLoader;
import org.longhaul.error.UserError;
import org.longhaul.launch.RankEnvironment;
import org.longhaul.train.Trainer.Outcome;

/** One rank of a job in a process of its own, training on {@link Sawtooth}: {@code CONFIG}. */
final class TestRank {
    private TestRank() {}

    public static void main(String[] args) {
        int status;
        try {
            TrainConfig config = ConfigLoader.load(Path.of(args[0]), List.of(), TrainConfig.class);
            try (StopRequest stop = StopRequest.listen()) {
                if (Boolean.getBoolean("test.tells")) {
                    System.out.println("this rank listens");
                }
                try (RankSetup setup = RankSetup.open(config.device(), config.mesh(), config.ranks(), RankEnvironment.detect(System.getenv()))) {
                    status = TrainJob.run(config, TrainerTest.data(), setup, stop) == Outcome.STOPPED ? 75 : 0;
                }
            }
        } catch (UserError e) {
            System.err.println("longhaul: " + e.getMessage());
            status = e.exitCode().status();
        } catch (RuntimeException | Error e) {
            e.printStackTrace();
            status = 70;
        }
        System.exit(status);
    }
}
