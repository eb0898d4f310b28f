package org.longhaul.train;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.longhaul.cli.Progress;
import org.longhaul.error.UserError;
import org.longhaul.metrics.EventFile;
import org.longhaul.metrics.MetricsFile;

/** What rank 0 tells the user and the files about each step. */
final class Report implements AutoCloseable {
    private final TrainConfig config;
    private final double flopsPerToken;
    private final double causalFlopsPerToken;
    private final double peakFlops;
    private final Progress progress;
    private final MetricsFile file;
    private final EventFile events;
    private long lookedAt = System.nanoTime();
    private double tokensPerSecond;

    /**
     * One step for the files.
     *
     * @param skipped whether its update was dropped
     */
    record Step(long step, long consumed, double loss, double norm, double learningRate, boolean skipped) {}

    /** Opens the files after a step; {@code peakFlops} of the whole job, 0 where unknown. */
    Report(TrainConfig config, long afterStep, double flopsPerToken, double causalFlopsPerToken, double peakFlops) {
        this.config = config;
        this.flopsPerToken = flopsPerToken;
        this.causalFlopsPerToken = causalFlopsPerToken;
        this.peakFlops = peakFlops;
        Path folder = config.output();
        try {
            file = MetricsFile.open(folder.resolve("metrics.jsonl"), afterStep);
            events = config.logging().tensorboard() ? new EventFile(folder.resolve("tensorboard"), now()) : null;
        } catch (IOException e) {
            throw UserError.environment(folder + ": cannot write metrics: " + e.getMessage() + "; free space or name another output", e);
        }
        progress = Progress.start(config.logging().plainEvery());
    }

    /** Starts the clock of the first interval. */
    void start() {
        lookedAt = System.nanoTime();
    }

    /** Writes the steps that became known since the last call. */
    void steps(Step... steps) {
        long now = System.nanoTime();
        double seconds = (now - lookedAt) / 1e9;
        lookedAt = now;
        double rate = steps.length * config.tokensPerStep() / seconds;
        tokensPerSecond = tokensPerSecond == 0 ? rate : 0.8 * tokensPerSecond + 0.2 * rate;
        for (Step s : steps) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("step", s.step);
            line.put("loss", s.loss);
            line.put("grad_norm", Double.isFinite(s.norm) ? s.norm : String.valueOf(s.norm));
            line.put("learning_rate", s.learningRate);
            line.put("consumed_samples", s.consumed);
            line.put("consumed_tokens", s.consumed * config.model().context());
            if (s.skipped) {
                line.put("skipped", true);
            }
            line.put("tokens_per_second", Math.round(rate * 10) / 10.0);
            if (peakFlops > 0) {
                line.put("mfu_full", rate * flopsPerToken / peakFlops);
                line.put("mfu_causal", rate * causalFlopsPerToken / peakFlops);
            }
            write(line);
            event(s.step, Map.of(
                    "train/loss", s.loss, "train/grad_norm", s.norm, "train/learning_rate", s.learningRate,
                    "train/tokens_per_second", rate));
        }
        Step last = steps[steps.length - 1];
        progress.update(() -> line(last));
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
        try {
            file.write(line);
        } catch (IOException e) {
            throw UserError.environment(config.output() + "/metrics.jsonl: cannot be written: " + e.getMessage()
                    + "; free space on the disk and start again", e);
        }
    }

    private void event(long step, Map<String, Double> values) {
        if (events == null) {
            return;
        }
        try {
            events.scalars(now(), step, values);
            events.flush();
        } catch (IOException e) {
            throw UserError.environment(config.output() + "/tensorboard: cannot be written: " + e.getMessage()
                    + "; free space on the disk or set logging.tensorboard to false", e);
        }
    }

    private static double now() {
        return System.currentTimeMillis() / 1000.0;
    }

    @Override
    public void close() {
        progress.close();
        try {
            file.close();
            if (events != null) {
                events.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
