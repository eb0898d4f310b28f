package org.longhaul.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.natives.Nvtx;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.profile.Phases;
import org.longhaul.profile.StepPage;
import org.longhaul.profile.StepProfile;
import org.longhaul.tensor.Backend;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Profiles the steps that the configuration names. Where it names none, nothing is wrapped and nothing is asked. */
final class Profiling {
    private static final Logger LOG = LoggerFactory.getLogger(Profiling.class);

    private final TrainConfig config;
    private final Backend device;
    private final Backend backend;
    private final MeshGroups groups;
    private final double peakFlops;
    private final ProfileConfig.Range range;
    private final StepProfile profile;
    private Engine engine;
    private long began;

    /** For a rank; {@code peakFlops} of the whole job's GPUs, 0 where unknown. */
    Profiling(TrainConfig config, Backend backend, MeshGroups groups, double peakFlops) {
        this.config = config;
        this.range = config.profile().range().orElse(null);
        this.profile = range == null ? null : new StepProfile(backend, Nvtx.find());
        this.backend = profile == null ? backend : profile.watched();
        this.groups = profile == null ? groups : groups.mapped(profile::watch);
        this.peakFlops = peakFlops / groups.mesh().size();
        this.device = backend;
        if (range != null) {
            requireFolder();
        }
    }

    private Path folder() {
        return config.profile().dir().orElse(config.output().resolve("profile"));
    }

    // Known before the first step, not when the profiled ones are over.
    private void requireFolder() {
        try {
            Files.createDirectories(folder());
        } catch (IOException e) {
            throw UserError.environment("profile.dir: no folder can be made at " + folder() + " (" + Reason.of(e) + "); name another, or leave profile.steps out", e);
        }
    }

    /** The device to train on. */
    Backend backend() {
        return backend;
    }

    /** The groups to train with. */
    MeshGroups groups() {
        return groups;
    }

    /** Whose steps are profiled. */
    void of(Engine watched) {
        engine = watched;
    }

    /** What the loop opens and closes. */
    Phases phases() {
        return profile == null ? Phases.NONE : profile;
    }

    /** Before a step. */
    void before(long step) {
        if (range != null && began == 0 && step >= range.first() && step <= range.last()) {
            began = step;
            engine.observe(profile);
            profile.begin();
        }
    }

    /** After a step and its save. */
    void after(long step, boolean ends) {
        if (began > 0 && profile.on() && (step >= range.last() || ends)) {
            var times = profile.end();
            engine.observe(Phases.NONE);
            String steps = began == step ? "step " + step : "steps " + began + "-" + step;
            Path folder = folder();
            String name = steps.replace(' ', '-') + ".rank-" + groups.rank();
            double bytes = device instanceof CudaBackend gpu ? gpu.device().memoryBytesPerSecond() : 0;
            StepPage page = new StepPage(steps + " of rank " + groups.rank() + " on " + device.name(), (int) (step - began + 1),
                    config.tokensPerStep(), peakFlops, bytes);
            try {
                page.write(folder, name, times);
            } catch (UserError e) {
                // A page that nobody can write is no reason to end a run of months.
                LOG.warn("rank {}: {}; training goes on", groups.rank(), e.getMessage());
                return;
            }
            if (groups.rank() == 0) {
                LOG.info("profile of {} in {}", steps, folder.resolve(name + ".txt"));
            }
        }
    }
}
