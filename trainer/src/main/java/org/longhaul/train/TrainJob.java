package org.longhaul.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.longhaul.cli.Version;
import org.longhaul.config.ConfigWriter;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.launch.HostName;
import org.longhaul.launch.JobEnd;
import org.longhaul.launch.RankEnvironment;
import org.longhaul.launch.RunPlace;
import org.longhaul.metrics.LossCurve;
import org.longhaul.parallel.Mesh;
import org.longhaul.tensor.OutOfDeviceMemory;
import org.longhaul.train.Trainer.Outcome;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One process's part of a training job, from configuration to outcome. */
final class TrainJob {
    private static final Logger LOG = LoggerFactory.getLogger(TrainJob.class);

    private TrainJob() {}

    /** Trains with the shards that the configuration names. */
    static Outcome run(TrainConfig config, RankEnvironment self) {
        requireFits(config, self.worldSize());
        try (StopRequest stop = StopRequest.listen()) {
            RunPlace.tell(System.getenv(), self, config.output());
            if (self.rank() == 0) {
                JobEnd.of(System.getenv()).ifPresent(stop::endsWith);
            }
            TrainData data = TrainData.open(config, self.rank() == 0);
            HostMemory.requireRoom(config, config.mesh().over(self.worldSize()), self);
            try (Telemetry telemetry = Telemetry.open(config, self);
                    RankSetup setup = RankSetup.open(config.device(), config.mesh(), config.ranks(),
                            History.began(config.output()) ? self.startedBefore() : self)) {
                return setup.sharing(() -> {
                    SharedMemory.requireRoom(config, setup.groups().mesh(), setup, self);
                    return shared(config, data, setup, stop, telemetry);
                });
            }
        }
    }

    /** Trains with given data on given ranks. */
    static Outcome run(TrainConfig config, TrainData data, RankSetup setup, StopRequest stop) {
        try (Telemetry telemetry = Telemetry.open(config, RankEnvironment.alone())) {
            return run(config, data, setup, stop, telemetry);
        }
    }

    /** The same, watched. */
    static Outcome run(TrainConfig config, TrainData data, RankSetup setup, StopRequest stop, Telemetry telemetry) {
        return setup.sharing(() -> shared(config, data, setup, stop, telemetry));
    }

    private static Outcome shared(TrainConfig config, TrainData data, RankSetup setup, StopRequest stop, Telemetry telemetry) {
        stop.begun();
        requireFits(config, setup.groups().mesh());
        if (setup.groups().rank() == 0) {
            LOG.info("longhaul {} on {}: {}, output {}", Version.text(), HostName.here(), words(config, setup.groups().mesh()), config.output());
        }
        Profiling profiling = new Profiling(config, setup.backend(), setup.groups(), setup.peakFlops());
        try (Engine engine = new Engine(config, profiling.backend(), profiling.groups());
                Mixture mixture = new Mixture(config, data, setup.groups().rank() == 0);
                RankTimes times = new RankTimes(setup.backend(), setup.groups(), config.model(),
                        RankTimes.meaningful(config.ranks().straggler(), System.getenv()));
                Snapshots snapshots = new Snapshots(config, setup.backend(), engine, data.fingerprints(), mixture, setup.savers())) {
            profiling.of(engine);
            Trainer trainer = new Trainer(config, engine, snapshots, data, mixture, times, stop, setup.peakFlops(), profiling, telemetry);
            Outcome outcome = setup.sharing(trainer::run);
            if (setup.groups().rank() == 0) {
                LossCurve.draw(config.output(), data.unigramEntropy());
            }
            return outcome;
        } catch (UserError e) {
            if (OutOfDeviceMemory.isBehind(e)) {
                RankMemory plan = RankMemory.of(config, setup.groups().mesh()).get(setup.groups().stage());
                LOG.warn("the GPU of rank {} has too little memory; the plan says it needs\n{}", setup.groups().rank(), plan.table());
            }
            throw e;
        }
    }

    /** Throws UserError naming the key where so many processes cannot share the job: known before any of them is started. */
    static void requireFits(TrainConfig config, int processes) {
        Mesh mesh;
        try {
            mesh = config.mesh().over(processes);
        } catch (IllegalArgumentException e) {
            throw UserError.badInput(e.getMessage() + "; change mesh, or start with longhaul launch --nproc", e);
        }
        requireFits(config, mesh);
    }

    private static void requireFits(TrainConfig config, Mesh mesh) {
        try {
            config.requireFits(mesh);
        } catch (IllegalArgumentException e) {
            throw UserError.badInput(e.getMessage(), e);
        }
    }

    private static String words(TrainConfig config, Mesh mesh) {
        return (mesh.size() == 1 ? "one process" : mesh.size() + " processes as " + LayoutName.of(mesh)) + " on " + config.device().words();
    }

    /** Writes the merged configuration into the output, which this run owns by now. */
    static void writeConfig(TrainConfig config) {
        Path file = config.output().resolve("config.yaml");
        try {
            Files.createDirectories(config.output());
            Files.writeString(file, ConfigWriter.toYaml(config));
        } catch (IOException e) {
            throw UserError.environment(file + ": cannot be written: " + Reason.of(e) + "; free space or name another output", e);
        }
    }
}
