package org.longhaul.train;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.longhaul.checkpoint.SaveStats;
import org.longhaul.cli.Version;
import org.longhaul.launch.HostName;
import org.longhaul.launch.RankEnvironment;
import org.longhaul.metrics.Exposition;
import org.longhaul.metrics.ProcessGauges;

/** A rank's metrics as a page: what concerns the whole run on rank 0 only, so that it is counted once, what is its own on every rank. */
final class TelemetryPage {
    private final TrainConfig config;
    private final RankEnvironment self;
    private final Map<String, String> labels = new LinkedHashMap<>();

    TelemetryPage(TrainConfig config, RankEnvironment self) {
        this.config = config;
        this.self = self;
        Path name = config.output().toAbsolutePath().normalize().getFileName();
        labels.put("run", name == null ? "/" : name.toString());
        labels.put("rank", Integer.toString(self.rank()));
    }

    String text(Telemetry of) {
        Exposition page = new Exposition(labels);
        page.gauge("info", "Which process this is.", Map.of(Map.of("version", Version.text(), "host", HostName.here(), "device", config.device().words()), 1.0));
        page.gauge("healthy", "1 while steps advance, 0 when nothing has happened for logging.metrics.stalled_after.", of.health().good() ? 1 : 0);
        page.counter("restarts_total", "How often the launcher or Slurm has started the job again.", self.attempt());
        Telemetry.Looked newest = of.newest();
        if (newest != null) {
            page.gauge("step", "Optimizer steps that the run has taken.", newest.step().step());
            page.gauge("step_age_seconds", "Time since this process last saw a step's results.", of.since(newest.nanos()));
            if (self.rank() == 0) {
                run(page, of, newest);
            }
        }
        saves(page, of);
        MemoryCheck.Seen memory = of.memorySeen();
        if (memory != null) {
            page.gauge("device_memory_planned_bytes", "What the plan counts for this rank's device.", memory.planned());
            page.gauge("device_memory_peak_bytes", "What it took by the second step; nothing is allocated later.", memory.used());
        }
        ProcessGauges.into(page);
        return page.toString();
    }

    private void run(Exposition page, Telemetry of, Telemetry.Looked newest) {
        Report.Step step = newest.step();
        page.gauge("target_steps", "Optimizer steps of the whole run.", config.steps());
        page.gauge("loss_nats", "Training loss of the newest step, nats a token.", step.loss());
        page.gauge("gradient_norm", "Norm of its gradient before clipping.", step.norm());
        page.gauge("learning_rate", "Its learning rate.", step.learningRate());
        page.counter("tokens_total", "Tokens consumed by the run, in all its data stages.", step.tokens(config.model().context()));
        page.counter("skipped_steps_total", "Steps of the run whose update was dropped.", step.allSkipped());
        page.counter("spikes_total", "Spikes of loss or gradient norm that this process has seen.", of.spikes());
        page.counter("rollbacks_total", "Roll-backs by this process.", of.rollbacks());
        Report.Speed speed = newest.speed();
        if (speed != null) {
            page.gauge("tokens_per_second", "Tokens a second of the whole job, over some looks.", speed.tokensPerSecond());
            if (speed.mfuFull() > 0) {
                page.gauge("model_flops_utilization_ratio", "Useful FLOP/s over the GPUs' peak, with attention counted over all pairs or the causal ones.",
                        Map.of(Map.of("attention", "full"), speed.mfuFull(), Map.of("attention", "causal"), speed.mfuCausal()));
            }
        }
        Telemetry.Validated validated = of.validation();
        if (validated != null) {
            page.gauge("validation_step", "Step of the newest validation.", validated.step());
            page.gauge("validation_loss_nats", "Its loss, nats a token.", validated.measured().loss());
            page.gauge("validation_bits_per_byte", "Its loss in bits a byte of text.", validated.measured().bitsPerByte());
        }
        RankTimes.Comparison ranks = of.comparison();
        if (ranks != null) {
            page.gauge("stragglers", "Ranks that have computed slowly for long enough.", ranks.slow().size());
            Map<Map<String, String>, Double> slow = new LinkedHashMap<>();
            ranks.slow().forEach((rank, place) -> slow.put(Map.of("straggler", Integer.toString(rank), "host", place), 1.0));
            if (!slow.isEmpty()) {
                page.gauge("straggler", "1 for each of them.", slow);
            }
            ranks.metrics().forEach((name, value) -> {
                if (name.contains("_seconds_")) {
                    String[] parts = name.split("_seconds_");
                    page.gauge(parts[0] + "_" + parts[1] + "_seconds", "Seconds of the last compared step over all ranks.", ((Number) value).doubleValue());
                }
            });
        }
    }

    private void saves(Exposition page, Telemetry of) {
        Telemetry.Saved saved = of.saves();
        if (saved == null) {
            return;
        }
        SaveStats stats = saved.stats();
        page.counter("checkpoint_saves_total", "Checkpoints that this process has saved.", stats.saves());
        page.counter("checkpoint_failures_total", "Checkpoints that it has given up.", stats.failures());
        page.counter("checkpoint_stall_seconds_total", "Time that saves held its training up.", stats.totalStallSeconds());
        if (saved.age() != null) {
            page.gauge("checkpoint_step", "Step of the newest complete checkpoint, or of the start where there is none yet.", saved.age().step());
            page.gauge("checkpoint_age_steps", "Steps since then: what a fault would cost.", saved.age().steps());
            page.gauge("checkpoint_age_seconds", "Work since then: what a fault would cost.", saved.age().seconds() + of.since(saved.nanos()));
        }
        if (stats.saves() > 0) {
            page.gauge("checkpoint_rank_bytes", "This rank's bytes of the last save.", stats.lastBytes());
            page.gauge("checkpoint_stall_seconds", "Time that the last save held training up.", stats.lastStallSeconds());
            page.gauge("checkpoint_write_seconds", "Time that the last save was written in the background.", stats.lastWriteSeconds());
        }
    }
}
