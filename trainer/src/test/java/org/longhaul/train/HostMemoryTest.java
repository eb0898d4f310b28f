package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
import org.longhaul.launch.RankEnvironment;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.Mesh;

/** A job on CPUs that cannot fit says so instead of being killed for memory. */
class HostMemoryTest {
    private static final Mesh ONE = new Mesh(1, 1, 1, 1);

    @Test
    void ranksOfAMachineAreAddedUp() {
        Mesh mesh = new Mesh(1, 2, 1, 1);
        List<RankMemory> stages = RankMemory.of(TrainerTest.config(Path.of("run")), mesh);
        long each = stages.get(0).total();
        HostMemory.requireRoom(stages, mesh, List.of(0, 1), 2 * each);
        HostMemory.requireRoom(stages, mesh, List.of(0), each);
        UserError e = assertThrows(UserError.class, () -> HostMemory.requireRoom(stages, mesh, List.of(0, 1), 2 * each - 1));
        assertEquals(ExitCode.ENVIRONMENT, e.exitCode());
        assertEquals("the 2 ranks of this machine need", e.getMessage().substring(0, 32));
    }

    @Test
    void aModelThatNoMachineHoldsIsRefusedAndAGpuIsNotJudgedHere() {
        String[] huge = {"model.layers=1000", "model.d_model=16384"};
        UserError e = assertThrows(UserError.class, () -> HostMemory.requireRoom(TrainerTest.config(Path.of("run"), huge), ONE, RankEnvironment.alone()));
        assertEquals("the job needs", e.getMessage().substring(0, 13));
        HostMemory.requireRoom(TrainerTest.config(Path.of("run"), huge[0], huge[1], "device.kind=cuda"), ONE, RankEnvironment.alone());
    }

    @Test
    void memoryThatIsNotThereIsTheMachinesLack() {
        try (CpuBackend backend = new CpuBackend(1)) {
            UserError e = assertThrows(UserError.class, () -> backend.allocate("weights", 1L << 50).close());
            assertEquals(ExitCode.ENVIRONMENT, e.exitCode());
            assertEquals("this machine has no 1048576.00 GiB of memory left for weights", e.getMessage().split(",")[0]);
        }
    }
}
