package org.longhaul.data.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.cli.InProcess;

/** Real child processes, really killed. */
class KillTest {
    @TempDir
    Path folder;

    @Test
    void aRunKilledAfterEveryStageEndsWithTheSameBytes() throws IOException, InterruptedException {
        Path config = TinyCorpus.write(folder, 21);
        Path reference = folder.resolve("reference");
        assertEquals(0, InProcess.run("data", "run", config.toString(), "output.dir=" + reference).status());
        Path out = folder.resolve("out");
        for (int stage = 1; stage <= 5; stage++) {
            Process child = start(config);
            readUntil(child, "[" + stage + "/6]");
            child.destroyForcibly().waitFor();
            assertEquals(128 + 9, child.exitValue());
            assertFalse(Files.exists(out.resolve("manifest.json")), "a run killed after stage " + stage + " must not look finished");
        }
        InProcess.Result last = InProcess.run("data", "run", config.toString());
        assertEquals(0, last.status(), last.err());
        assertTrue(last.err().contains("taken from an earlier run"), last.err());
        DeterminismTest.same(reference, out);
        InProcess.Result again = InProcess.run("data", "run", config.toString());
        assertTrue(again.err().contains("is complete: nothing to do"), again.err());
        InProcess.Result other = InProcess.run("data", "run", config.toString(), "seed=99");
        assertEquals(2, other.status());
        assertTrue(other.failures().get(0).contains("--overwrite"), other.err());
        assertEquals(0, InProcess.run("data", "run", config.toString(), "seed=99", "--overwrite").status());
    }

    /** Spark's shutdown takes the context from under a running job, which is no defect of ours. */
    @Test
    void aSignalIsNoInternalError() throws IOException, InterruptedException {
        Path config = TinyCorpus.write(folder, 23);
        Process child = start(config);
        StringBuilder said = new StringBuilder();
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                said.append(line).append('\n');
                if (line.startsWith("[1/6]")) {
                    child.toHandle().destroy();
                }
            }
        }
        assertEquals(128 + 15, child.waitFor(), said.toString());
        assertFalse(said.toString().contains("internal error"), said.toString());
        assertEquals(0, InProcess.run("data", "run", config.toString()).status());
    }

    @Test
    void twoRunsDoNotShareAFolder() throws IOException, InterruptedException {
        Path config = TinyCorpus.write(folder, 22);
        Process child = start(config);
        readUntil(child, "[1/6]");
        InProcess.Result second = InProcess.run("data", "run", config.toString());
        child.destroyForcibly().waitFor();
        assertEquals(2, second.status(), second.err());
        assertTrue(second.failures().get(0).contains("is in use by another run (process " + child.pid()), second.err());
        assertEquals(0, InProcess.run("data", "run", config.toString()).status(), "the lock of a killed run must not remain");
    }

    private static void readUntil(Process child, String start) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8));
        StringBuilder seen = new StringBuilder();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            seen.append(line).append('\n');
            if (line.startsWith(start) && line.contains(" s  ") && line.matches("\\[\\d/6\\] \\w+ +[0-9.]+ s  .*")) {
                return;
            }
        }
        throw new AssertionError("the run ended before it wrote " + start + ":\n" + seen);
    }

    private static Process start(Path config) throws IOException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(option -> option.startsWith("--add-opens") || option.startsWith("--sun-misc") || option.startsWith("--enable-native"))
                .forEach(command::add);
        command.addAll(List.of("-Xmx1g", "-cp", System.getProperty("java.class.path"), "org.longhaul.cli.Main", "data", "run", config.toString()));
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }
}
