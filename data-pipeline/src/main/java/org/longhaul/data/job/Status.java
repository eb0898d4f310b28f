package org.longhaul.data.job;

import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkStageInfo;
import org.apache.spark.api.java.JavaSparkStatusTracker;
import org.longhaul.cli.Progress;

/** The live status line of a run, and a line for every finished stage. */
final class Status implements AutoCloseable {
    private final Progress progress;
    private final ScheduledExecutorService clock;
    private final int stages;
    private final long begin = System.nanoTime();
    private volatile JavaSparkStatusTracker tracker;
    private volatile String stage = "starting";
    private volatile int number;
    private volatile long stageBegin = begin;
    private volatile int resumed;
    private volatile int todo;

    Status(int stages) {
        this.stages = stages;
        progress = Progress.start(Duration.ofSeconds(10));
        clock = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "status-line");
            thread.setDaemon(true);
            return thread;
        });
        clock.scheduleAtFixedRate(() -> progress.update(this::text), 200, 200, TimeUnit.MILLISECONDS);
    }

    void follow(JavaSparkStatusTracker newTracker) {
        tracker = newTracker;
    }

    void begin(String name) {
        Live.reset();
        stageBegin = System.nanoTime();
        resumed = 0;
        todo = 0;
        number++;
        stage = name;
    }

    void parts(int alreadyDone, int toDo) {
        resumed = alreadyDone;
        todo = toDo;
    }

    /** Ends a stage with a line that stays; answers its seconds. */
    double end(String result) {
        double seconds = (System.nanoTime() - stageBegin) / 1e9;
        String again = resumed > 0 ? String.format(" (%,d of %,d parts taken from an earlier run)", resumed, resumed + todo) : "";
        progress.line(String.format("[%d/%d] %-10s %6.1f s  %s%s", number, stages, stage, seconds, result, again));
        return seconds;
    }

    void line(String text) {
        progress.line(text);
    }

    double seconds() {
        return (System.nanoTime() - begin) / 1e9;
    }

    private String text() {
        double seconds = Math.max(0.001, (System.nanoTime() - stageBegin) / 1e9);
        long documents = Live.DOCUMENTS.sum();
        StringBuilder line = new StringBuilder(String.format("[%d/%d] %s", number, stages, stage));
        if (documents > 0) {
            line.append(String.format("  %,d docs  %,.0f docs/s", documents, documents / seconds));
            if (Live.BYTES.sum() > 0) {
                line.append(String.format("  %.1f MB/s", Live.BYTES.sum() / 1e6 / seconds));
            }
            if (Live.KEPT.sum() > 0) {
                line.append(String.format("  kept %.1f %%", 100.0 * Live.KEPT.sum() / documents));
            }
        }
        int completed = 0;
        int tasks = 0;
        JavaSparkStatusTracker now = tracker;
        if (now != null) {
            for (int id : now.getActiveStageIds()) {
                SparkStageInfo info = now.getStageInfo(id);
                if (info != null) {
                    completed += info.numCompletedTasks();
                    tasks += info.numTasks();
                }
            }
        }
        if (tasks > 0) {
            line.append(String.format("  %d/%d tasks", completed, tasks));
            if (completed > 0 && completed < tasks) {
                line.append("  ETA ").append(duration(seconds * (tasks - completed) / completed));
            }
        }
        return line.append("  ").append(duration(seconds)).toString();
    }

    private static String duration(double seconds) {
        long s = Math.round(seconds);
        return s < 60 ? s + " s" : s < 3600 ? String.format("%d:%02d min", s / 60, s % 60) : String.format("%d:%02d h", s / 3600, s / 60 % 60);
    }

    @Override
    public void close() {
        clock.shutdownNow();
        progress.close();
    }
}
