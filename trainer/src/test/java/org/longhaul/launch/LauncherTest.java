package org.longhaul.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LauncherTest {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    @Test
    void everyRankKnowsItsPlaceAndItsLinesCarryIt() {
        assertEquals(0, launch("echo I am $RANK of $WORLD_SIZE at $MASTER_ADDR", 3, 0));
        for (int r = 0; r < 3; r++) {
            assertTrue(text().contains("[rank " + r + "] I am " + r + " of 3 at 127.0.0.1"), text());
        }
    }

    @Test
    void theFirstFailureStopsTheOthersAndIsTheStatus() {
        assertEquals(3, launch("if [ $RANK = 1 ]; then echo 'longhaul: no GPU 1'; exit 3; else exec sleep 100; fi", 3, 0));
    }

    @Test
    void restartsUntilItWorks(@TempDir Path dir) throws IOException {
        Path tries = dir.resolve("tries");
        assertEquals(0, launch("echo $LONGHAUL_ATTEMPT >> " + tries + "; [ $LONGHAUL_ATTEMPT = 2 ] || exit 70", 1, 3));
        assertEquals(List.of("0", "1", "2"), Files.readAllLines(tries));
    }

    @Test
    void wrongInputIsNotTriedAgain(@TempDir Path dir) throws IOException {
        Path tries = dir.resolve("tries");
        assertEquals(2, launch("echo x >> " + tries + "; exit 2", 1, 3));
        assertEquals(1, Files.readAllLines(tries).size());
    }

    @Test
    void ranksStoppedAfterSavingAskForARequeue() {
        assertEquals(75, launch("exit 75", 2, 3));
    }

    @Test
    void aRankThatIgnoresTheSignalIsKilled() {
        // Rank 0 fails only once rank 1 has set its trap.
        assertEquals(70, launch("if [ $RANK = 1 ]; then trap '' TERM; touch $PWD/target/$LONGHAUL_JOB_TOKEN; "
                + "while :; do sleep 1; done; else until [ -e $PWD/target/$LONGHAUL_JOB_TOKEN ]; do sleep 0.05; done; exit 70; fi", 2, 0));
    }

    private int launch(String shell, int processes, int restarts) {
        Launcher.Plan plan = new Launcher.Plan(List.of("sh", "-c", shell), processes, 1, 0, "127.0.0.1", 0,
                "test" + System.nanoTime(), restarts, Duration.ofSeconds(1), Duration.ofSeconds(30));
        return new Launcher(plan, new PrintStream(bytes, true, StandardCharsets.UTF_8)).run();
    }

    private String text() {
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
