package org.longhaul.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.longhaul.config.ConfigLoader;
import org.longhaul.config.ConfigWriter;
import org.longhaul.optim.OptimizerConfig;
import org.longhaul.train.TrainConfig;

/** What would make a job fit for which no layout of so many GPUs does; each was planned, none is a guess. */
final class Remedies {
    private static final int MOST_TIMES = 64;

    private Remedies() {}

    /** Sentences such as {@code with optimizer.moments=bf16: pp4.dp1.tp4, recompute full}; empty where nothing tried helps. */
    static List<String> of(TrainConfig config, int processes, long limit) {
        List<String> found = new ArrayList<>();
        List<String> keys = new ArrayList<>();
        if (config.batch().microBatch() > 1) {
            keys.add("batch.micro_batch=1");
        }
        if (config.optimizer().moments() == OptimizerConfig.Moments.F32) {
            keys.add("optimizer.moments=bf16");
        }
        for (String key : keys) {
            fits(with(config, List.of(key)), processes, limit).ifPresent(c -> found.add("with " + key + ": " + c));
        }
        if (found.isEmpty() && keys.size() > 1) {
            fits(with(config, keys), processes, limit).ifPresent(c -> found.add("with " + String.join(" and ", keys) + ": " + c));
        }
        // Multiples: a node's GPUs times whole numbers.
        IntStream.rangeClosed(2, MOST_TIMES).filter(n -> n <= 4 || Integer.bitCount(n) <= 2).map(n -> n * processes).boxed()
                .flatMap(n -> fits(config, n, limit).map(c -> "with " + n + " GPUs: " + c).stream()).findFirst().ifPresent(found::add);
        return found;
    }

    private static Optional<String> fits(TrainConfig config, int processes, long limit) {
        return LayoutChoices.of(config, processes, limit).stream().filter(LayoutChoices.Choice::fits).findFirst()
                .map(PlanReport::name);
    }

    private static TrainConfig with(TrainConfig config, List<String> keys) {
        return ConfigLoader.parse(ConfigWriter.toYaml(config), "the plan", keys, TrainConfig.class);
    }
}
