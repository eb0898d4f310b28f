package org.longhaul.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.OutputStream;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which of a rank's lines is its last word. */
class RankProcessTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "echo a; echo b | b",
        "echo java.lang.Error: x; echo b | java.lang.Error: x",
        "echo longhaul: no GPU 1; echo Exception in thread nccl-abort; echo b | no GPU 1",
        "echo longhaul: no GPU 1; seq 100; echo longhaul: no GPU 1 | no GPU 1",
        "echo longhaul: x.yaml:1: lr: too high; echo longhaul: x.yaml:2: steps: missing | x.yaml:1: lr: too high; x.yaml:2: steps: missing"})
    void theLinesOfAFailedCommandWin(String shell, String words) {
        RankProcess rank = RankProcess.start(0, List.of("sh", "-c", shell), Map.of(), new PrintStream(OutputStream.nullOutputStream()), false);
        rank.onExit().join();
        assertEquals(0, rank.status());
        assertEquals(words, rank.lastWords());
    }
}
