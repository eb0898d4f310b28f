package org.longhaul.launch;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * When Slurm ends the job: {@code SLURM_JOB_END_TIME} (Slurm 23.02 and newer), else what {@code scontrol} answers. A time limit may be raised while the job
 * runs, which the variable never tells: near the end scontrol is asked again, where there is one. For one thread.
 */
public final class JobEnd {
    private static final Pattern END = Pattern.compile("\\bEndTime=(\\S+)");
    private static final int ANSWER_SECONDS = 10;
    /** For clocks that differ, answers of scontrol, and the end of the process. */
    private static final double SLACK_SECONDS = 30;

    private final InstantSource clock;
    private final Supplier<Optional<Instant>> scheduler;
    private Instant end;
    private double most;
    private CompletableFuture<Optional<Instant>> asked;

    private JobEnd(Instant end, InstantSource clock, Supplier<Optional<Instant>> scheduler) {
        this.clock = clock;
        this.scheduler = scheduler;
        until(end);
    }

    /** The end of the job that this process is part of; empty outside Slurm, and where nobody says. */
    public static Optional<JobEnd> of(Map<String, String> env) {
        return of(env, InstantSource.system(), () -> scontrol(env));
    }

    /** The same by a clock and with a scheduler of one's own. */
    public static Optional<JobEnd> of(Map<String, String> env, InstantSource clock, Supplier<Optional<Instant>> scheduler) {
        if (!env.containsKey("SLURM_JOB_ID")) {
            return Optional.empty();
        }
        return variable(env).or(scheduler).filter(end -> end.isAfter(clock.instant())).map(end -> new JobEnd(end, clock, scheduler));
    }

    // A job that is shorter than what is asked for must train too: half of its time is its own.
    private void until(Instant then) {
        end = then;
        most = seconds() / 2;
    }

    private double seconds() {
        return Duration.between(clock.instant(), end).toMillis() / 1e3;
    }

    /** Time until the end. */
    public Duration left() {
        return Duration.between(clock.instant(), end);
    }

    /** Whether the job ends before something that may take so many seconds is over; asks the scheduler, if it can, before it says so. */
    public boolean before(double seconds) {
        if (seconds() > Math.min(seconds + SLACK_SECONDS, most)) {
            return false;
        }
        if (asked == null) {
            asked = new CompletableFuture<>();
            Thread thread = new Thread(() -> asked.complete(scheduler.get()), "job-end");
            thread.setDaemon(true);
            thread.start();
        }
        if (!asked.isDone()) {
            return false;
        }
        Instant now = asked.join().orElse(end);
        if (!now.isAfter(end)) {
            return true;
        }
        asked = null;
        until(now);
        return false;
    }

    /** The end and how far it is, as words. */
    public String words() {
        Duration left = left();
        long minutes = left.toMinutes();
        String far = minutes >= 120 ? left.toHours() + " h " + left.toMinutesPart() + " min" : minutes >= 10 ? minutes + " min" : Math.max(0, left.toSeconds()) + " s";
        return "Slurm ends this job at " + end.truncatedTo(ChronoUnit.SECONDS) + ", in " + far;
    }

    private static Optional<Instant> variable(Map<String, String> env) {
        String value = env.getOrDefault("SLURM_JOB_END_TIME", "");
        return value.matches("[0-9]{1,12}") && !value.matches("0+") ? Optional.of(Instant.ofEpochSecond(Long.parseLong(value))) : Optional.empty();
    }

    private static Optional<Instant> scontrol(Map<String, String> env) {
        // To scontrol an array's last member and the whole array have the same number.
        String job = env.containsKey("SLURM_ARRAY_TASK_ID") ? env.get("SLURM_ARRAY_JOB_ID") + "_" + env.get("SLURM_ARRAY_TASK_ID") : env.get("SLURM_JOB_ID");
        ProcessBuilder builder = new ProcessBuilder(List.of("timeout", Integer.toString(ANSWER_SECONDS), "scontrol", "show", "job", job))
                .redirectError(ProcessBuilder.Redirect.DISCARD).redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")));
        builder.environment().put("SLURM_TIME_FORMAT", "standard");
        try {
            Process process = builder.start();
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.waitFor(ANSWER_SECONDS, TimeUnit.SECONDS) && process.exitValue() == 0 ? parse(text, ZoneId.systemDefault()) : Optional.empty();
        } catch (IOException e) {
            // No scontrol here, as in a container: nobody says.
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }

    /** The end in what {@code scontrol show job} prints, which is local time. */
    static Optional<Instant> parse(String text, ZoneId zone) {
        Matcher matcher = END.matcher(text);
        try {
            return matcher.find() ? Optional.of(LocalDateTime.parse(matcher.group(1)).atZone(zone).toInstant()) : Optional.empty();
        } catch (DateTimeException e) {
            // Unknown or None: a job without a limit.
            return Optional.empty();
        }
    }
}
