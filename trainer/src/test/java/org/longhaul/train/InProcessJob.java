package org.longhaul.train;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import org.longhaul.batch.TokenSource;
import org.longhaul.checkpoint.ThreadRanks;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.tensor.Backend;
import org.longhaul.train.Trainer.Outcome;

/** A whole training job of several ranks as threads of this process, and which samples it read. */
final class InProcessJob {
    private InProcessJob() {}

    /** Trains; answers the first tokens' positions of the windows that were read for training. */
    static Set<Long> run(Path output, String mesh, String... overrides) {
        List<String> all = new ArrayList<>(List.of("mesh=" + mesh, "validation.every=0", "batch.micro_batch=1"));
        all.addAll(Arrays.asList(overrides));
        TrainConfig config = TrainerTest.config(output, all.toArray(String[]::new));
        int ranks = config.mesh().pipeline() * config.mesh().data() * config.mesh().tensor();
        List<Backend> backends = new ArrayList<>();
        for (int r = 0; r < ranks; r++) {
            backends.add(new CpuBackend(1));
        }
        List<MeshGroups> groups = MeshGroups.inProcess(config.mesh(), backends, Duration.ofMinutes(2));
        Set<Long> read = new ConcurrentSkipListSet<>();
        Sawtooth tokens = new Sawtooth(40_000);
        TokenSource watched = new TokenSource() {
            @Override
            public long tokens() {
                return tokens.tokens();
            }

            @Override
            public void read(long position, int[] target, int offset, int count) {
                if (count > 1) {
                    read.add(position);
                }
                tokens.read(position, target, offset, count);
            }

            @Override
            public void documentStarts(long position, int[] starts, int offset, int count) {
                tokens.documentStarts(position, starts, offset, count);
            }
        };
        TrainData data = new TrainData(watched, Optional.empty(), 2.0, 4.0, Map.of("dataset", "sawtooth"), Optional.of(tokens.origins()));
        ThreadRanks.run(ranks, savers -> {
            int r = savers.rank();
            try (RankSetup setup = new RankSetup(backends.get(r), groups.get(r), savers, null, null, 0)) {
                Outcome outcome = TrainJob.run(config, data, setup, new StopRequest());
                if (outcome == Outcome.STOPPED) {
                    throw new IllegalStateException("stopped without a signal");
                }
                return outcome;
            }
        });
        return read;
    }
}
