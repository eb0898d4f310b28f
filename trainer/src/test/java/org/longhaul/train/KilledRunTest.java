package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.train.Trainer.Outcome;

/** A process that saves after every step is killed with SIGKILL while it writes, again and again; the run ends as if it never was. */
class KilledRunTest {
    private static final int KILLS = 3;
    private static final String[] SETTINGS = {"checkpoint.retention.permanent_every=1", "steps=24", "validation.every=0"};

    @TempDir
    private Path folder;

    /** The process that is killed. */
    public static void main(String[] args) {
        TrainerTest.run(TrainerTest.config(Path.of(args[0]), SETTINGS));
        System.exit(0);
    }

    @Test
    void killedRunEqualsTheUndisturbedOne() throws IOException, InterruptedException {
        Path straight = folder.resolve("straight");
        Path killed = folder.resolve("killed");
        assertEquals(Outcome.FINISHED, TrainerTest.run(TrainerTest.config(straight, SETTINGS)));
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < KILLS; i++) {
            killAfter(1 + random.nextInt(4), killed);
        }
        assertEquals(Outcome.FINISHED, TrainerTest.run(TrainerTest.config(killed, SETTINGS)), "seed " + seed);
        assertEquals(TrainerTest.losses(straight), TrainerTest.losses(killed), "seed " + seed);
        TrainerTest.sameState(straight, killed);
    }

    private static void killAfter(int saves, Path output) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElseThrow());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(a -> a.startsWith("--add-opens") || a.startsWith("-Djava.awt") || a.startsWith("--enable") || a.startsWith("--sun"))
                .forEach(command::add);
        command.addAll(List.of("-Xmx512m", "-cp", System.getProperty("java.class.path"), KilledRunTest.class.getName(), output.toString()));
        Process child = new ProcessBuilder(command).redirectErrorStream(true).start();
        int seen = 0;
        StringBuilder said = new StringBuilder();
        try (BufferedReader lines = child.inputReader()) {
            for (String line = lines.readLine(); line != null && seen < saves; line = lines.readLine()) {
                said.append(line).append('\n');
                // The save after this one has begun or is about to.
                seen += line.contains("(permanent) in") ? 1 : 0;
            }
            child.destroyForcibly().waitFor();
        }
        assertTrue(seen == saves, "the process ended by itself:\n" + said);
    }
}
