package org.longhaul.train;

import java.util.Locale;
import java.nio.file.Path;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;
import org.longhaul.model.BatchShape;
import org.longhaul.model.ModelConfig;
import org.longhaul.model.ModelStage;
import org.longhaul.model.ParameterLayout;
import org.longhaul.model.StageRange;
import org.longhaul.model.Recompute;
import org.longhaul.optim.OptimizerConfig;
import org.longhaul.parallel.Mesh;
import org.longhaul.parallel.PipelineSchedule;
import org.longhaul.schedule.LearningRate;
import org.longhaul.trust.SpikeConfig;

/** Everything that defines a training job. */
@Doc("A training job.")
public record TrainConfig(
        @Doc("Folder for metrics, event files and checkpoints.") Path output,
        @Doc("The model.") ModelConfig model,
        @Doc("The data.") DataConfig data,
        @Doc("The batch.") BatchConfig batch,
        @Doc("Optimizer steps of the whole run.") long steps,
        @Doc("Steps after which this process saves and ends, though the run goes on later; 0 for none.") @Default("0") long stopAfter,
        @Doc("The learning rate.") LearningRate schedule,
        @Doc("The optimizer.") OptimizerConfig optimizer,
        @Doc("Weight of the squared log-partition term of the loss; 0 for none.") @Default("0.0") double zLoss,
        @Doc("Seed of initial weights and of the order of samples.") @Default("1234") long seed,
        @Doc("What computes.") DeviceConfig device,
        @Doc("Memory against time.") MemoryConfig memory,
        @Doc("The layout over processes.") Mesh mesh,
        @Doc("How processes meet and watch each other.") RanksConfig ranks,
        @Doc("Checkpoints.") CheckpointConfig checkpoint,
        @Doc("Validation.") ValidationConfig validation,
        @Doc("Reports.") LoggingConfig logging,
        @Doc("Spikes.") SpikeConfig spikes,
        @Doc("Profile.") ProfileConfig profile) {
    private static final long MOST_STEPS = 1_000_000_000_000L;
    private static final long MOST_TOKENS = 1L << 26;

    /** Checks what concerns several parts. */
    public TrainConfig {
        if (steps < 1) {
            throw new IllegalArgumentException("steps must be at least 1: " + steps);
        }
        if (steps > MOST_STEPS) {
            throw new IllegalArgumentException("steps must be at most " + MOST_STEPS + ": " + steps);
        }
        if ((double) steps * batch.sequences() * model.context() > Long.MAX_VALUE) {
            throw new IllegalArgumentException("steps × batch.sequences × model.context must be below 9.2e18 tokens: " + steps + " × " + batch.sequences()
                    + " × " + model.context());
        }
        for (SkipConfig skip : data.skip()) {
            if (skip.behindStep() >= steps) {
                throw new IllegalArgumentException("data.skip: behind_step must be below steps, or nothing is read behind it: " + skip.behindStep() + " of " + steps);
            }
        }
        double left = data.skip().stream().mapToDouble(SkipConfig::samples).sum();
        if (((double) steps * batch.sequences() + left) * model.context() > Long.MAX_VALUE) {
            throw new IllegalArgumentException("data.skip leaves out so many samples that tokens are no longer counted: " + left);
        }
        if ((long) batch.microBatch() * model.context() > MOST_TOKENS) {
            throw new IllegalArgumentException("batch.micro_batch × model.context must be at most " + MOST_TOKENS + " tokens: " + batch.microBatch() + " × "
                    + model.context() + "; accumulate with a smaller micro_batch");
        }
        if (!(schedule.peak() * optimizer.weightDecay() < 1)) {
            throw new IllegalArgumentException("schedule.peak × optimizer.weight_decay must be below 1, or a step turns weights around: " + schedule.peak()
                    + " × " + optimizer.weightDecay());
        }
        if (profile.range().isPresent() && profile.range().get().first() > steps) {
            throw new IllegalArgumentException("profile.steps must begin at the last of the steps or before: " + profile.steps().get() + " of " + steps);
        }
        if (stopAfter < 0) {
            throw new IllegalArgumentException("stop_after must not be negative: " + stopAfter);
        }
        int looks = spikes.action() == SpikeConfig.Action.WATCH ? logging.every() : 1;
        if (checkpoint.retention().ephemeralSteps() > 0 && checkpoint.retention().ephemeralSteps() < 2L * looks) {
            throw new IllegalArgumentException("checkpoint.retention.ephemeral_steps must be at least twice logging.every, since saves are taken where "
                    + "the host looks at results: " + checkpoint.retention().ephemeralSteps() + " and " + looks);
        }
        if (logging.metrics().on() && logging.metrics().stalledAfter().compareTo(ranks.stallTimeout()) <= 0) {
            throw new IllegalArgumentException("logging.metrics.stalled_after must be longer than ranks.stall_timeout, after which the job itself names the "
                    + "missing rank and ends for a restart: " + logging.metrics().stalledAfter().toSeconds() + " s and "
                    + ranks.stallTimeout().toSeconds() + " s");
        }
        if (!(zLoss >= 0)) {
            throw new IllegalArgumentException("z_loss must not be negative: " + zLoss);
        }
    }

    /** The same job on another layout. */
    public TrainConfig over(Mesh other) {
        return new TrainConfig(
                output, model, data, batch, steps, stopAfter, schedule, optimizer, zLoss, seed, device, memory, other, ranks, checkpoint,
                validation, logging, spikes, profile);
    }

    /** The same job on another device. */
    public TrainConfig on(DeviceConfig other) {
        return new TrainConfig(
                output, model, data, batch, steps, stopAfter, schedule, optimizer, zLoss, seed, other, memory, mesh, ranks, checkpoint,
                validation, logging, spikes, profile);
    }

    /** Throws IllegalArgumentException naming the key when the model or the batch cannot be laid over the mesh. */
    public void requireFits(Mesh mesh) {
        int microBatches = batch.accumulation(mesh.data());
        int stages = mesh.pipeline() * mesh.virtualStages();
        for (int stage = 0; stage < stages; stage++) {
            new ParameterLayout(model, StageRange.of(model, stage, stages), 0, mesh.tensor(), mesh.data());
        }
        new BatchShape(batch.microBatch(), model.context(), 0, mesh.tensor());
        PipelineSchedule.of(mesh.pipeline(), 0, mesh.virtualStages(), microBatches);
    }

    /** The same job with another recompute level. */
    public TrainConfig withRecompute(Recompute recompute) {
        return new TrainConfig(
                output, model, data, batch, steps, stopAfter, schedule, optimizer, zLoss, seed, device,
                new MemoryConfig(recompute, memory.lossChunk()), mesh, ranks, checkpoint, validation, logging,
                spikes, profile);
    }

    /** How a stage of the model is built, for {@code slots} micro-batches in flight. */
    public ModelStage.Options stageOptions(int slots, Mesh mesh) {
        long chunk = memory.chunk((long) batch.microBatch() * model.context(), model.vocab() / mesh.tensor(), device.kind());
        return new ModelStage.Options(
                memory.recompute(), Math.max(1, slots), chunk, zLoss, true, device.fp8(), ranks.tensorChunks(device),
                data.documentMask());
    }

    /** Where checkpoints go. */
    public String checkpointRoot() {
        return checkpoint.path().orElse(output.resolve("checkpoints").toString());
    }

    /** Steps between looks of the host at results: each one where a spike may drop an update, else as often as it logs. */
    public int stepsPerLook() {
        return spikes.action() == SpikeConfig.Action.WATCH ? logging.every() : 1;
    }

    /** What is allowed and yet hardly ever meant, as a sentence that names the mend; empty where all is usual. */
    public String doubt() {
        return schedule.warmupSteps() <= steps ? "" : String.format(Locale.ROOT,
                "the warm-up of %,d steps is longer than the run of %,d, so that the rate never reaches its peak; for the first steps of a longer run set stop_after instead of steps",
                schedule.warmupSteps(), steps);
    }

    /** Tokens of one optimizer step. */
    public long tokensPerStep() {
        return (long) batch.sequences() * model.context();
    }
}
