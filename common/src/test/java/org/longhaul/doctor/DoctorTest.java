package org.longhaul.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.doctor.Finding.Level;
import org.longhaul.error.UserError;
import picocli.CommandLine;

class DoctorTest {
    private static final long GIB = 1L << 30;

    private record Fake(int order, List<Finding> look) implements DoctorCheck {}

    private static String report(int status, DoctorCheck... checks) {
        StringWriter text = new StringWriter();
        assertEquals(status, Doctor.report(List.of(checks), null, List.of(), Optional.empty(), new PrintWriter(text)));
        return text.toString();
    }

    @Test
    void findingsComeInOrderAndAFailureEndsWithThree() {
        assertEquals("ok   Java         17\n\nready\n", report(0, new Fake(0, List.of(Finding.ok("Java", "17")))));
        assertEquals("ok   Java         17\nwarn memory       2 GiB → buy some\n\nready, 1 to look at\n",
                report(0, new Fake(5, List.of(Finding.warn("memory", "2 GiB", "buy some"))), new Fake(0, List.of(Finding.ok("Java", "17")))));
        assertEquals("FAIL libtorch     not there → install it\n\n1 to mend before Longhaul works\n",
                report(3, new Fake(0, List.of(Finding.fail("libtorch", "not there", "install it")))));
    }

    /** A check that finds a damaged file and a place that fails. */
    private record Reader(Finding... found) implements DoctorCheck {
        @Override
        public int order() {
            return 1;
        }

        @Override
        public List<Finding> look() {
            return List.of(Finding.fail("GPU", "none", "add one"));
        }

        @Override
        public List<Finding> verify(Verification wanted) {
            assertEquals(List.of("hdfs://a/b"), wanted.places());
            return List.of(found);
        }
    }

    @Test
    void damageEndsWithTwoWhateverElseIsWrong() {
        Optional<Verification> wanted = Optional.of(new Verification(Optional.empty(), List.of(), List.of("hdfs://a/b"), 3));
        StringWriter text = new StringWriter();
        Reader reader = new Reader(Finding.bad("verify", "x.arrow: cut", "copy it again"), Finding.ok("verify", "y"));
        assertEquals(2, Doctor.report(List.of(reader), null, List.of(), wanted, new PrintWriter(text)));
        assertEquals("FAIL GPU          none → add one\nBAD  verify       x.arrow: cut → copy it again\nok   verify       y\n\n2 to mend before Longhaul works\n",
                text.toString());
        assertEquals(3, Doctor.report(List.of(new Reader(Finding.ok("verify", "y"))), null, List.of(), wanted, new PrintWriter(text)));
    }

    @Test
    void whatCannotBeVerifiedIsSaid() {
        for (String[] arguments : new String[][] {{"--verify"}, {"--data", "x"}, {"--threads", "3"}, {"--verify", "--data", "x", "--threads", "0"}}) {
            CommandLine command = new CommandLine(new Doctor());
            Doctor doctor = command.getCommand();
            command.parseArgs(arguments);
            UserError error = assertThrows(UserError.class, doctor::call);
            assertEquals(2, error.exitCode().status());
            assertTrue(error.getMessage().contains("--verify") || error.getMessage().contains("--threads"), error.getMessage());
        }
    }

    @Test
    void aBrokenCheckDoesNotHideTheOthers() {
        DoctorCheck broken = new DoctorCheck() {
            @Override
            public int order() {
                return 0;
            }

            @Override
            public List<Finding> look() {
                throw new UnsatisfiedLinkError("libx.so");
            }
        };
        String text = report(3, broken, new Fake(1, List.of(Finding.ok("Java", "17"))));
        assertTrue(text.contains("libx.so") && text.contains("ok   Java"), text);
    }

    @Test
    void everyWarningSaysHowToMendIt() {
        assertThrows(IllegalArgumentException.class, () -> Finding.warn("x", "y", ""));
    }

    @Test
    void machineLimitsAreJudged(@TempDir Path folder) {
        assertEquals(Level.FAIL, MachineCheck.java(11, "11.0.2", "x").level());
        assertEquals(Level.OK, MachineCheck.java(17, "17.0.2", "x").level());
        assertEquals(Level.WARN, MachineCheck.java(99, "99", "x").level());
        assertEquals(Level.OK, MachineCheck.platform("Linux", "amd64", 2).level());
        assertEquals(Level.WARN, MachineCheck.platform("Linux", "aarch64", 2).level());
        assertEquals(Level.WARN, MachineCheck.memory(2 * GIB, GIB, GIB).level());
        assertEquals(Level.WARN, MachineCheck.memory(16 * GIB, GIB, 15 * GIB).level());
        assertEquals(Level.OK, MachineCheck.memory(16 * GIB, GIB, 4 * GIB).level());
        assertEquals(Level.WARN, MachineCheck.openFiles(1024).level());
        assertEquals(Level.FAIL, MachineCheck.folder("x", folder.resolve("absent")).level());
        assertTrue(MachineCheck.folder("x", folder).level() != Level.FAIL);
    }

    @Test
    void gpusAreReadFromNvidiaSmi() {
        List<Finding> two = GpuCheck.gpus(Optional.of(new Tool.Answer(0, "0, NVIDIA H200, 143771 MiB, 570.1\n1, NVIDIA H200, 143771 MiB, 570.1")), true);
        assertEquals(List.of(Finding.ok("GPU 0", "NVIDIA H200, 143771 MiB, driver 570.1"), Finding.ok("GPU 1", "NVIDIA H200, 143771 MiB, driver 570.1")), two);
        assertEquals(Level.OK, GpuCheck.gpus(Optional.empty(), false).get(0).level());
        assertEquals(Level.WARN, GpuCheck.gpus(Optional.empty(), true).get(0).level());
        assertEquals(Level.WARN, GpuCheck.gpus(Optional.of(new Tool.Answer(9, "NVIDIA-SMI has failed")), true).get(0).level());
        assertEquals(Level.WARN, GpuCheck.gpus(Optional.of(new Tool.Answer(0, "No devices were found")), true).get(0).level());
    }

    @Test
    void ncclIsLookedForInTheGivenFolders(@TempDir Path folder) throws Exception {
        Files.createFile(folder.resolve("libnccl.so.2"));
        assertEquals(Finding.ok("NCCL", folder.resolve("libnccl.so.2").toString()), GpuCheck.nccl(List.of(folder.resolve("other"), folder)));
    }

    @Test
    void pythonIsOptional() {
        assertEquals("pyarrow 21.0 (optional)", PythonCheck.report(Optional.of(new Tool.Answer(0, "21.0"))).detail());
        assertEquals(Level.OK, PythonCheck.report(Optional.of(new Tool.Answer(1, "ModuleNotFoundError"))).level());
        assertEquals(Level.OK, PythonCheck.report(Optional.empty()).level());
    }

    @Test
    void absentAndHangingToolsAreAnsweredByNothing() {
        assertEquals(Optional.empty(), Tool.run(Duration.ofSeconds(5), List.of("a-program-that-is-not-there")));
        assertEquals(Optional.empty(), Tool.run(Duration.ofMillis(50), List.of("sh", "-c", "read line < /dev/zero")));
        assertEquals(Optional.of(new Tool.Answer(3, "hello")), Tool.run(Duration.ofSeconds(30), List.of("sh", "-c", "echo hello; exit 3")));
    }

    @Test
    void theRealMachineCanBeLookedAt() {
        assertTrue(new MachineCheck().look().stream().noneMatch(finding -> finding.subject().equals("Java") && finding.level() == Level.FAIL));
        assertEquals(1, new SparkCheck().look().size());
    }
}
