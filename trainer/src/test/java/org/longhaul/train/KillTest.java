package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A job of two ranks is killed with SIGKILL again and again at random moments, resumes each time, and ends with the parameters of the run
 * that nobody disturbed. {@code -Dlonghaul.kills=50} for the long version.
 */
class KillTest {
    private static final String MESH = "{data: 2}";
    private static final int KILLS = Integer.getInteger("longhaul.kills", 3);
    private static final int STEPS = Math.max(80, 8 * KILLS);
    private static final String[] OVERRIDES = {"steps=" + STEPS, "checkpoint.retention.permanent_every=2", "checkpoint.retention.keep_permanent=2"};
    private static final Pattern SAVED = Pattern.compile("checkpoint .*step-(\\d+)");
    private static final Pattern RESUMED = Pattern.compile("resumed at step (\\d+) ");

    @TempDir
    Path folder;

    @Test
    void aKilledJobEndsAsTheUndisturbedOne() throws IOException {
        Random random = new Random(50);
        Path output = folder.resolve("killed");
        long committed = 0;
        for (int round = 0; round < KILLS; round++) {
            int saves = random.nextInt(STEPS / KILLS);
            long nanos = random.nextInt(30_000_000);
            String where = "round " + round + ": killed " + nanos + " ns after " + saves + " saves";
            committed = round(output, saves, nanos, committed, where);
        }
        InProcessJob.run(output, MESH, OVERRIDES);
        InProcessJob.run(folder.resolve("straight"), MESH, OVERRIDES);
        TrainerTest.sameState(folder.resolve("straight"), output);
        assertEquals(TrainerTest.losses(folder.resolve("straight")), TrainerTest.losses(output));
        System.out.println(KILLS + " kills, the last after step " + committed);
    }

    /** One life of the job; answers the last step that it said was saved. */
    private static long round(Path output, int saves, long nanos, long committed, String where) throws IOException {
        List<String> command = new ArrayList<>(List.of(ProcessHandle.current().info().command().orElseThrow(), "-Xmx256m", "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1", "-Dlonghaul.kills=" + KILLS, "-cp", System.getProperty("java.class.path"), Job.class.getName(), output.toString()));
        Process job = new ProcessBuilder(command).redirectErrorStream(true).start();
        long newest = committed;
        List<String> said = new ArrayList<>();
        try (BufferedReader out = job.inputReader(StandardCharsets.UTF_8)) {
            int seen = 0;
            boolean going = false;
            for (String line = out.readLine(); line != null; line = out.readLine()) {
                said.add(line);
                Matcher saved = SAVED.matcher(line);
                Matcher resumed = RESUMED.matcher(line);
                if (saved.find() && !line.startsWith("warning")) {
                    newest = Math.max(newest, Long.parseLong(saved.group(1)));
                    seen++;
                } else if (resumed.find()) {
                    long from = Long.parseLong(resumed.group(1));
                    assertTrue(from >= committed, where + ": resumed at step " + from + ", step " + committed + " was committed");
                }
                if (!going && seen >= saves && (seen > 0 || line.contains(" parameters, "))) {
                    going = true;
                    LockSupport.parkNanos(nanos);
                    job.toHandle().destroyForcibly();
                }
            }
        }
        int status = job.onExit().join().exitValue();
        assertTrue(status == 137 || status == 0, where + ": ended by itself with " + status + ": " + String.join("\n", said));
        return newest;
    }

    /** The job as a process of its own. */
    static final class Job {
        private Job() {}

        public static void main(String[] args) {
            InProcessJob.run(Path.of(args[0]), MESH, Arrays.copyOf(OVERRIDES, OVERRIDES.length));
        }
    }
}
