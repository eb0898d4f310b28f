package org.longhaul.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which of a rank's lines is its last word. */
@Timeout(60)
class RankProcessTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "echo a; echo b | b",
        "echo java.lang.Error: x; echo b | java.lang.Error: x",
        "echo longhaul: no GPU 1; echo Exception in thread nccl-abort; echo b | no GPU 1",
        "echo longhaul: no GPU 1; seq 100; echo longhaul: no GPU 1 | no GPU 1",
        "echo longhaul: x.yaml:1: lr: too high; echo longhaul: x.yaml:2: steps: missing | x.yaml:1: lr: too high; x.yaml:2: steps: missing"})
    void theLinesOfAFailedCommandWin(String shell, String words) {
        RankProcess rank = RankProcess.start(0, List.of("sh", "-c", shell), Map.of(), new PrintStream(OutputStream.nullOutputStream()), false, new FaultLines());
        rank.onExit().join();
        assertEquals(0, rank.status());
        assertEquals(words, rank.lastWords());
    }

    /** A real one has hundreds of lines, of which the log of a thousand ranks can do without most. */
    @Test
    void ofADumpOnlyOurThreadsPass() {
        DumpFilter filter = new DumpFilter();
        String dump = """
                step 7
                Full thread dump OpenJDK 64-Bit Server VM (17):

                "main" #1 prio=5 os_prio=0 tid=0x1 nid=0x2 waiting on condition
                   java.lang.Thread.State: WAITING
                \tat a.B.c(B.java:1)

                "Reference Handler" #2 daemon tid=0x1 nid=0x2 waiting
                \tat d.E.f(E.java:1)

                "checkpoint-writer" #20 daemon tid=0x1 nid=0x2 runnable
                \tat g.H.i(H.java:1)

                "VM Thread" os_prio=0 tid=0x1 nid=0x3 runnable

                JNI global refs: 46
                Heap
                """;
        assertEquals(List.of("step 7", "Full thread dump OpenJDK 64-Bit Server VM (17):", "\"main\" #1 prio=5 os_prio=0 tid=0x1 nid=0x2 waiting on condition",
                "   java.lang.Thread.State: WAITING", "\tat a.B.c(B.java:1)", "\"checkpoint-writer\" #20 daemon tid=0x1 nid=0x2 runnable",
                "\tat g.H.i(H.java:1)"), dump.lines().filter(filter::passes).toList());
    }

    @Test
    void aStoppedProcessIsKnown() throws Exception {
        Assumptions.assumeTrue(Files.isDirectory(Path.of("/proc/self/task")), "needs /proc");
        Process process = new ProcessBuilder("sleep", "100").start();
        try {
            new ProcessBuilder("sh", "-c", "kill -STOP " + process.pid()).start().waitFor();
            // The signal is sent, and acts a moment later.
            while (ProcessState.of(process.pid()).isEmpty()) {
                Thread.onSpinWait();
            }
            assertEquals("stopped, as by SIGSTOP", ProcessState.of(process.pid()));
        } finally {
            process.destroyForcibly().waitFor();
        }
        assertEquals("", ProcessState.of(process.pid()), "one that is gone");
    }
}
