package org.longhaul.train;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.longhaul.batch.TokenSource;
import org.longhaul.checkpoint.CheckpointInfo;
import org.longhaul.checkpoint.CheckpointStore;
import org.longhaul.checkpoint.RankGroup;
import org.longhaul.cli.CommandProvider;
import org.longhaul.error.UserError;
import org.longhaul.launch.RankEnvironment;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.parallel.Rendezvous;
import org.longhaul.tensor.Backend;
import org.longhaul.train.FuzzJob.Leg;
import org.longhaul.train.FuzzJob.Phase;
import org.longhaul.train.FuzzJob.Start;
import org.longhaul.train.FuzzJob.Stop;
import org.longhaul.train.Trainer.Outcome;
import picocli.CommandLine;

/** Runs a {@link FuzzJob} with the production code, its ranks as threads, and keeps what each leg read. */
final class FuzzRun {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String PLANTED = "planted crash";

    private final FuzzJob job;
    private final Path folder;
    private final List<Done> done = new ArrayList<>();

    /**
     * A leg that was run.
     *
     * @param from step before its first
     * @param to newest checkpoint behind it
     * @param consumed samples of the stage before it
     * @param outcome null where it crashed
     * @param reads positions of the samples that each rank read, in order
     */
    record Done(Path output, TrainConfig config, int phase, Leg leg, long from, long to, long consumed, Outcome outcome, List<List<Long>> reads) {}

    private FuzzRun(FuzzJob job, Path folder) {
        this.job = job;
        this.folder = folder;
    }

    /** Throws UserError where the job is refused, AssertionError or what went wrong otherwise. */
    static List<Done> of(FuzzJob job, Path folder) {
        FuzzRun run = new FuzzRun(job, folder);
        run.phases();
        return run.done;
    }

    private void phases() {
        Path output = folder.resolve("phase0");
        long step = 0;
        long consumed = 0;
        int stage = 0;
        for (int p = 0; p < job.phases().size(); p++) {
            Phase phase = job.phases().get(p);
            SortedMap<String, String> more = new TreeMap<>();
            if (p > 0 && phase.start() != Start.SAME_OUTPUT) {
                more.putAll(from(phase.start(), output, step));
                output = folder.resolve("phase" + p);
            }
            boolean anew = phase.start() == Start.WEIGHTS || phase.start() == Start.EXPORTED;
            int newStage = job.config(p, phase.legs().get(0), output, more).data().stage();
            if (anew) {
                step = 0;
            }
            if (anew || newStage != stage) {
                consumed = 0;
            }
            stage = newStage;
            for (Leg leg : phase.legs()) {
                long from = Math.max(step, newest(output));
                long end = leg.stop() == Stop.PAUSE ? Math.min(phase.end(), leg.at()) : phase.end();
                if (end > from) {
                    SortedMap<String, String> keys = new TreeMap<>(more);
                    keys.put("stop_after", Long.toString(end - from));
                    TrainConfig config = job.config(p, leg, output, keys);
                    leg(output, config, p, leg, from, consumed + (from - step) * config.batch().sequences());
                }
            }
            if (newest(output) != phase.end()) {
                throw new AssertionError("phase " + p + " ends at step " + newest(output) + ", not at " + phase.end());
            }
            consumed += (phase.end() - step) * done.get(done.size() - 1).config.batch().sequences();
            step = phase.end();
        }
    }

    private SortedMap<String, String> from(Start start, Path output, long step) {
        SortedMap<String, String> keys = new TreeMap<>();
        String checkpoint = output.resolve("checkpoints/step-%08d".formatted(step)).toString();
        if (start == Start.BRANCH) {
            keys.put("checkpoint.branch_from", checkpoint);
        } else if (start == Start.EXPORTED) {
            Path hf = output.resolveSibling(output.getFileName() + "-hf");
            Path imported = output.resolveSibling(output.getFileName() + "-imported");
            // At most a few tensors a file.
            command("export-hf", checkpoint, hf.toString(), "--dtype", "f32", "--max-shard-gb", "0.00001");
            command("import-hf", hf.toString(), imported.toString(), "--files", "3");
            keys.put("checkpoint.init_from", imported.toString());
        } else {
            keys.put("checkpoint.init_from", checkpoint);
        }
        return keys;
    }

    private static void command(String... words) {
        for (CommandProvider provider : ServiceLoader.load(CommandProvider.class)) {
            for (CommandProvider.Contribution c : provider.commands()) {
                CommandLine line = new CommandLine(c.command());
                if (c.group().equals("checkpoint") && line.getCommandName().equals(words[0])) {
                    StringWriter said = new StringWriter();
                    line.setOut(new PrintWriter(said)).setErr(new PrintWriter(said));
                    line.setExecutionExceptionHandler((e, l, parsed) -> {
                        throw e;
                    });
                    int status = line.execute(java.util.Arrays.copyOfRange(words, 1, words.length));
                    if (status != 0) {
                        throw new AssertionError(String.join(" ", words) + ": status " + status + "\n" + said);
                    }
                    return;
                }
            }
        }
        throw new AssertionError("no command " + words[0]);
    }

    static long newest(Path output) {
        try (CheckpointStore store = CheckpointStore.open(output.resolve("checkpoints"))) {
            return store.newestComplete().map(CheckpointInfo::step).orElse(-1L);
        }
    }

    private void leg(Path output, TrainConfig config, int phase, Leg leg, long from, long consumed) {
        int size = leg.mesh().size();
        List<Watch> sources = new ArrayList<>();
        List<StopRequest> stops = new ArrayList<>();
        for (int r = 0; r < size; r++) {
            StopRequest stop = new StopRequest();
            stops.add(stop);
            Watch watch = new Watch(new FuzzTokens(job.tokens(), job.phases().get(phase).data()));
            if (r == leg.who() % size && (leg.stop() == Stop.SIGNAL || leg.stop() == Stop.CRASH)) {
                watch.at = leg.at();
                watch.act = leg.stop() == Stop.SIGNAL ? () -> stop.raise("SIGUSR1") : () -> {
                    throw new IllegalStateException(PLANTED);
                };
            }
            sources.add(watch);
        }
        Outcome outcome = new Threads(leg, config, sources, stops, phase).run();
        List<List<Long>> reads = sources.stream().map(w -> w.windows).toList();
        done.add(new Done(output, config, phase, leg, from, newest(output), consumed, outcome, reads));
    }

    private TrainData data(Watch source, int phase) {
        long validation = 1 + job.tokens() % 611;
        int data = job.phases().get(phase).data();
        return new TrainData(source, Optional.of(new FuzzTokens(validation, data + 100)), 2.0, 4.0,
                Map.of("dataset", "drawn " + data, "tokenizer", "the same"), Optional.of(new Sawtooth(job.tokens()).origins()));
    }

    /** The ranks of one leg. */
    private final class Threads {
        private final Leg leg;
        private final TrainConfig config;
        private final List<Watch> sources;
        private final List<StopRequest> stops;
        private final int phase;
        private final List<Runnable> ends = new ArrayList<>();

        Threads(Leg leg, TrainConfig config, List<Watch> sources, List<StopRequest> stops, int phase) {
            this.leg = leg;
            this.config = config;
            this.sources = sources;
            this.stops = stops;
            this.phase = phase;
        }

        /** How it ended; null for the planted crash. */
        Outcome run() {
            int size = sources.size();
            List<Backend> backends = new ArrayList<>();
            for (int r = 0; r < size; r++) {
                backends.add(new CpuBackend(1));
            }
            Rendezvous served = leg.sockets() && size > 1 ? Rendezvous.serve(0, "fuzz") : null;
            List<MeshGroups> groups = served != null ? List.of() : size == 1 ? List.of(MeshGroups.single()) : MeshGroups.inProcess(leg.mesh(), backends, PATIENCE);
            List<RankGroup> savers = served != null ? List.of() : size == 1 ? List.of(RankGroup.single()) : FuzzRanks.of(size, ends);
            groups.forEach(g -> ends.add(() -> g.abort("another rank failed")));
            ExecutorService threads = Executors.newFixedThreadPool(size);
            try {
                List<Future<Outcome>> ranks = new ArrayList<>();
                for (int r = 0; r < size; r++) {
                    int rank = r;
                    ranks.add(threads.submit(() -> {
                        RankEnvironment self = served == null ? null : new RankEnvironment(rank, size, rank, size, "127.0.0.1", served.port(), "fuzz", rank == 0, 0);
                        MeshGroups own = served == null ? groups.get(rank) : sockets(self, backends.get(rank));
                        RankGroup saving = served == null ? savers.get(rank) : new RendezvousRanks(self, PATIENCE, () -> true);
                        try (RankSetup setup = new RankSetup(backends.get(rank), own, saving, rank == 0 ? served : null, null, 0)) {
                            try {
                                return TrainJob.run(config, data(sources.get(rank), phase), setup, stops.get(rank));
                            } catch (RuntimeException | Error e) {
                                ends.forEach(Runnable::run);
                                throw e;
                            }
                        }
                    }));
                }
                return outcome(ranks);
            } finally {
                threads.shutdownNow();
            }
        }

        private MeshGroups sockets(RankEnvironment self, Backend backend) {
            Rendezvous.Client client = new Rendezvous.Client(self.masterHost(), self.masterPort(), self.token(), PATIENCE);
            return MeshGroups.sockets(leg.mesh(), self, backend, client, PATIENCE, PATIENCE);
        }

        private Outcome outcome(List<Future<Outcome>> ranks) {
            List<Outcome> outcomes = new ArrayList<>();
            List<Throwable> failures = new ArrayList<>();
            for (Future<Outcome> rank : ranks) {
                try {
                    outcomes.add(rank.get(PATIENCE.toSeconds() + 60, TimeUnit.SECONDS));
                } catch (ExecutionException e) {
                    failures.add(e.getCause());
                } catch (TimeoutException e) {
                    throw new AssertionError("hangs: " + leg, e);
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
            if (failures.stream().anyMatch(f -> PLANTED.equals(f.getMessage()))) {
                return null;
            }
            if (!failures.isEmpty()) {
                Throwable cause = failures.stream().filter(f -> !String.valueOf(f.getMessage()).contains("another rank failed")).findFirst().orElse(failures.get(0));
                if (cause instanceof UserError error && failures.size() == ranks.size()) {
                    throw error;
                }
                throw new AssertionError(failures.size() + " of " + ranks.size() + " ranks failed: " + cause, cause);
            }
            if (outcomes.stream().distinct().count() != 1) {
                throw new AssertionError("ranks disagree how it ended: " + outcomes);
            }
            return outcomes.get(0);
        }
    }

    /** Notes the samples that pass: a read of their inputs, then one of their last target. */
    private static final class Watch implements TokenSource {
        private final TokenSource tokens;
        private final List<Long> windows = new ArrayList<>();
        private boolean target;
        private long at = -1;
        private Runnable act;

        Watch(TokenSource tokens) {
            this.tokens = tokens;
        }

        @Override
        public long tokens() {
            return tokens.tokens();
        }

        @Override
        public void read(long position, int[] into, int offset, int count) {
            if (!target) {
                if (windows.size() == at) {
                    act.run();
                }
                windows.add(position);
            }
            target = !target;
            tokens.read(position, into, offset, count);
        }

        @Override
        public void documentStarts(long position, int[] starts, int offset, int count) {
            tokens.documentStarts(position, starts, offset, count);
        }
    }

    /** A made-up language, another one for each data set. */
    record FuzzTokens(long tokens, int data) implements TokenSource {
        @Override
        public void read(long position, int[] target, int offset, int count) {
            new Sawtooth(tokens).read(position + 7919L * data, target, offset, count);
        }

        @Override
        public void documentStarts(long position, int[] starts, int offset, int count) {
            new Sawtooth(tokens).documentStarts(position + 7919L * data, starts, offset, count);
        }
    }
}
