package org.longhaul.train;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.longhaul.config.ConfigLoader;
import org.longhaul.error.UserError;
import org.longhaul.launch.LaunchCheck;

/** Reads a training job's, or a layout comparison's, configuration before its ranks are started: what is wrong with it is said once, and no GPU is taken for it. */
public final class TrainLaunchCheck implements LaunchCheck {
    /** Commands of one process: as ranks each would do the whole work, or write what the others write. */
    private static final Set<String> ALONE = Set.of("checkpoint", "data", "docs", "generate", "plan", "summary", "tokenizer", "validate");

    @Override
    public void require(List<String> command, int processes) {
        if (processes > 1 && !command.isEmpty() && ALONE.contains(command.get(0))) {
            throw UserError.badInput("launch: longhaul " + command.get(0) + " is work for one process, which " + processes
                    + " ranks would each do; start it without launch");
        }
        if (!command.isEmpty() && command.get(0).equals("verify-layout")) {
            VerifyLayoutCommand.requireFits(command.subList(1, command.size()), processes);
            return;
        }
        boolean train = command.size() > 1 && command.get(0).equals("train") && command.stream().noneMatch(word -> word.startsWith("-"));
        if (train) {
            TrainJob.requireFits(ConfigLoader.load(Path.of(command.get(1)), command.subList(2, command.size()), TrainConfig.class), processes);
        }
    }
}
