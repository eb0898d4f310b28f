package org.longhaul.train;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.longhaul.checkpoint.SaveOutcome;
import org.longhaul.checkpoint.SaveSchedule;
import org.longhaul.cli.Progress;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.metrics.EventFile;
import org.longhaul.metrics.JvmWatch;
import org.longhaul.metrics.MetricsFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What rank 0 tells the user and the files about each step. */
final class Report implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Report.class);

    private final TrainConfig config;
    private final double flopsPerToken;
    private final double causalFlopsPerToken;
    private final double peakFlops;
    private final Progress progress;
    private final MetricsFile file;
    private final EventFile events;
    private final Set<String> refused = new HashSet<>();
    private long lookedAt = System.nanoTime();
    private double tokensPerSecond;
    private final JvmWatch jvm = new JvmWatch();

    /**
     * One step for the files.
     *
     * @param consumed samples of the data stage up to it
     * @param earlierTokens of the data stages before
     * @param skipped whether its update was dropped
     * @param spike whether it was judged one, or not finite
     * @param allSkipped steps of the run whose update was dropped, this one included
     */
    record Step(
            long step, long consumed, int stage, long earlierTokens, double loss, double norm, double learningRate, boolean skipped, boolean spike,
            long allSkipped) {
        /** Tokens consumed by the run, in all its data stages. */
        long tokens(int context) {
            return earlierTokens + consumed * context;
        }
    }

    /** Of the whole job: tokens a second and both MFU figures, 0 where the peak is unknown. */
    record Speed(double tokensPerSecond, double mfuFull, double mfuCausal) {}

    /** Opens the files after a step; {@code peakFlops} of the whole job, 0 where unknown. */
    Report(TrainConfig config, long afterStep, double flopsPerToken, double causalFlopsPerToken, double peakFlops) {
        this.config = config;
        this.flopsPerToken = flopsPerToken;
        this.causalFlopsPerToken = causalFlopsPerToken;
        this.peakFlops = peakFlops;
        Path folder = config.output();
        try {
            file = MetricsFile.open(folder.resolve("metrics.jsonl"), afterStep);
            events = config.logging().tensorboard() ? new EventFile(folder.resolve("tensorboard"), now(), afterStep + 1) : null;
        } catch (IOException e) {
            throw UserError.environment(folder + ": cannot write metrics: " + Reason.of(e) + "; free space or name another output", e);
        }
        progress = Progress.start(config.logging().plainEvery());
    }

    /** Starts the clock of the first interval. */
    void start() {
        lookedAt = System.nanoTime();
        jvm.next();
    }

    /** Writes the steps that became known since the last call, and what a fault behind them would cost. */
    void steps(SaveSchedule.Age age, Step... steps) {
        long now = System.nanoTime();
        double seconds = (now - lookedAt) / 1e9;
        lookedAt = now;
        double rate = steps.length * config.tokensPerStep() / seconds;
        tokensPerSecond = tokensPerSecond == 0 ? rate : 0.8 * tokensPerSecond + 0.2 * rate;
        JvmWatch.Interval machine = jvm.next();
        for (Step s : steps) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("step", s.step);
            line.put("loss", s.loss);
            line.put("grad_norm", Double.isFinite(s.norm) ? s.norm : String.valueOf(s.norm));
            line.put("learning_rate", s.learningRate);
            line.put("consumed_samples", s.consumed);
            line.put("data_stage", s.stage);
            line.put("consumed_tokens", s.tokens(config.model().context()));
            if (s.spike) {
                line.put("spike", true);
            }
            if (s.skipped) {
                line.put("skipped", true);
                line.put("skipped_steps", s.allSkipped);
            }
            line.put("tokens_per_second", Math.round(rate * 10) / 10.0);
            if (peakFlops > 0) {
                line.put("mfu_full", rate * flopsPerToken / peakFlops);
                line.put("mfu_causal", rate * causalFlopsPerToken / peakFlops);
            }
            if (s == steps[steps.length - 1]) {
                line.put("gc_pause_ms", machine.pauseMillis());
                line.put("gc_collections", machine.collections());
                line.put("allocated_bytes_per_step", machine.allocatedBytes() / steps.length);
                line.put("checkpoint_age_steps", age.steps());
                line.put("checkpoint_age_seconds", Math.round(age.seconds() * 1000) / 1000.0);
                event(s.step, Map.of("checkpoint/age_steps", (double) age.steps(), "checkpoint/age_seconds", age.seconds()));
                event(s.step, Map.of(
                        "jvm/gc_pause_ms", (double) machine.pauseMillis(), "jvm/gc_collections", (double) machine.collections(),
                        "jvm/allocated_bytes_per_step", (double) machine.allocatedBytes() / steps.length));
            }
            write(line);
            event(s.step, Map.of(
                    "train/loss", s.loss, "train/grad_norm", s.norm, "train/learning_rate", s.learningRate,
                    "train/tokens_per_second", rate));
        }
        Step last = steps[steps.length - 1];
        progress.update(() -> line(last));
    }

    /** The speed by the last lines. */
    Speed speed() {
        double share = peakFlops > 0 ? tokensPerSecond / peakFlops : 0;
        return new Speed(tokensPerSecond, share * flopsPerToken, share * causalFlopsPerToken);
    }

    /** Writes a validation. */
    void validation(long step, Validation v) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("step", step);
        line.put("validation_loss", v.loss());
        line.put("bits_per_byte", v.bitsPerByte());
        line.put("validation_tokens", v.tokens());
        write(line);
        event(step, Map.of("validation/loss", v.loss(), "validation/bits_per_byte", v.bitsPerByte()));
        say(String.format(Locale.ROOT, "step %,d: validation loss %.4f, %.4f bits per byte over %,d tokens", step, v.loss(),
                v.bitsPerByte(), v.tokens()));
        lookedAt = System.nanoTime();
    }

    /** Writes how the ranks' times compare. */
    void ranks(RankTimes.Comparison comparison) {
        write(new LinkedHashMap<>(comparison.metrics()));
        event((Long) comparison.metrics().get("step"), comparison.scalars());
        comparison.lines().forEach(LOG::warn);
    }

    /** Writes what was read since the last such report. */
    void mixture(Mixture.Interval interval) {
        write(new LinkedHashMap<>(interval.line()));
        event(interval.step(), interval.scalars());
        say(interval.text());
    }

    /**
     * Writes how the saves went that have ended since the last look.
     *
     * @param failures saves given up so far, these included
     */
    void saved(List<SaveOutcome> ended, long failures) {
        for (SaveOutcome o : ended) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("step", o.step());
            line.put("checkpoint_stall_seconds", o.stallSeconds());
            line.put("checkpoint_write_seconds", o.writeSeconds());
            line.put("checkpoint_rank_bytes", o.bytes());
            line.put("checkpoint_failures", failures);
            o.failure().ifPresent(why -> line.put("checkpoint_failed", why));
            write(line);
            event(o.step(), Map.of("checkpoint/stall_seconds", o.stallSeconds(), "checkpoint/write_seconds", o.writeSeconds(),
                    "checkpoint/failures", (double) failures));
        }
    }

    /** Writes that training went back; the steps' lines that follow stand for another course. */
    void rolledBack(long fromStep, RunState to) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("step", to.step());
        line.put("rolled_back_from", fromStep);
        line.put("rollbacks", to.rollbacks());
        line.put("consumed_samples", to.consumed());
        write(line);
        if (events != null) {
            events.startAt(now(), to.step() + 1);
        }
    }

    /** Writes what this rank's memory was planned to be and is. */
    void memory(long step, MemoryCheck.Seen seen) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("step", step);
        line.put("planned_bytes", seen.planned());
        line.put("used_bytes", seen.used());
        write(line);
        event(step, Map.of("memory/planned_gib", seen.planned() / (double) (1L << 30), "memory/used_gib", seen.used() / (double) (1L << 30)));
    }

    /** A line that stays. */
    void say(String text) {
        progress.line(text);
    }

    private String line(Step s) {
        long left = config.steps() - s.step;
        String speed = String.format(Locale.ROOT, "%,.0f tokens/s", tokensPerSecond);
        if (peakFlops > 0) {
            speed += String.format(Locale.ROOT, "  MFU %.1f %% (causal %.1f %%)", 100 * tokensPerSecond * flopsPerToken / peakFlops,
                    100 * tokensPerSecond * causalFlopsPerToken / peakFlops);
        }
        return String.format(Locale.ROOT, "step %,d/%,d  loss %.4f  grad %.3f  lr %.3g  %s  left %s", s.step, config.steps(), s.loss, s.norm,
                s.learningRate, speed, duration(left * config.tokensPerStep() / tokensPerSecond));
    }

    private static String duration(double seconds) {
        long s = Math.round(seconds);
        if (s < 100) {
            return s + " s";
        }
        if (s < 6000) {
            return s / 60 + " min " + s % 60 + " s";
        }
        return s < 360_000 ? s / 3600 + " h " + s % 3600 / 60 + " min" : s / 86_400 + " d " + s % 86_400 / 3600 + " h";
    }

    private void write(Map<String, Object> line) {
        line.put("time", Instant.now().truncatedTo(ChronoUnit.MILLIS).toString());
        keep("metrics.jsonl", () -> file.write(line));
    }

    private void event(long step, Map<String, Double> values) {
        if (events != null) {
            events.scalars(now(), step, values);
            keep("tensorboard", events::flush);
        }
    }

    private interface Write {
        void run() throws IOException;
    }

    // A disk that is full for an hour must not end a run of a month: lines wait in memory.
    private void keep(String name, Write write) {
        try {
            write.run();
            if (refused.remove(name)) {
                LOG.info("{}/{} can be written again; nothing is missing", config.output(), name);
            }
        } catch (IOException e) {
            if (refused.add(name)) {
                LOG.warn("{}/{} cannot be written: {}; training goes on and keeps the lines in memory until it can", config.output(), name, e.getMessage());
            }
        }
    }

    private static double now() {
        return System.currentTimeMillis() / 1000.0;
    }

    @Override
    public void close() {
        progress.close();
        end("metrics.jsonl", file);
        if (events != null) {
            end("tensorboard", events);
        }
    }

    private void end(String name, AutoCloseable written) {
        try {
            written.close();
        } catch (Exception e) {
            LOG.warn("{}/{} lacks its last lines: {}", config.output(), name, e.getMessage());
        }
    }
}
