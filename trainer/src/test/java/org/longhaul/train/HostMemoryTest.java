package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;
import org.longhaul.launch.RankEnvironment;
import org.longhaul.model.ParameterLayout;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.Mesh;

/** A job that cannot fit into a machine's memory says so instead of being killed for it. */
class HostMemoryTest {
    private static final Mesh ONE = new Mesh(1, 1, 1, 1);

    @Test
    void ranksOfAMachineAreAddedUp() {
        Mesh mesh = new Mesh(1, 2, 1, 1);
        List<RankMemory> stages = RankMemory.of(TrainerTest.config(Path.of("run")), mesh);
        long each = stages.get(0).total() + stages.get(0).staged();
        HostMemory.requireRoom(stages, mesh, List.of(0, 1), 2 * each);
        HostMemory.requireRoom(stages, mesh, List.of(0), each);
        UserError e = assertThrows(UserError.class, () -> HostMemory.requireRoom(stages, mesh, List.of(0, 1), 2 * each - 1));
        assertEquals(ExitCode.ENVIRONMENT, e.exitCode());
        assertEquals("the 2 ranks of this machine need", e.getMessage().substring(0, 32));
    }

    @Test
    void aModelThatNoMachineHoldsIsRefused() {
        String[] huge = {"model.layers=1000", "model.d_model=16384"};
        UserError e = assertThrows(UserError.class, () -> HostMemory.requireRoom(TrainerTest.config(Path.of("run"), huge), ONE, RankEnvironment.alone()));
        assertEquals("the job needs", e.getMessage().substring(0, 13));
        TrainConfig gpu = TrainerTest.config(Path.of("run"), huge[0], huge[1], "device.kind=cuda");
        UserError staged = assertThrows(UserError.class, () -> HostMemory.requireRoom(gpu, ONE, RankEnvironment.alone()));
        assertEquals(ExitCode.ENVIRONMENT, staged.exitCode());
        assertEquals("checkpoints are staged in this machine's memory", staged.getMessage().split(",")[0]);
    }

    /** Master weights and two moments of what each rank updates; nothing of what only the GPU holds. */
    @Test
    void ranksOnGpusNeedRoomToStageTheirCheckpoints() {
        TrainConfig config = TrainerTest.config(Path.of("run"), "device.kind=cuda");
        Mesh mesh = new Mesh(2, 1, 2, 1);
        List<RankMemory> stages = RankMemory.of(config, mesh);
        long all = 0;
        for (int r = 0; r < mesh.size(); r++) {
            all += stages.get(mesh.pipelineOf(r)).staged();
        }
        long parameters = ParameterLayout.single(config.model()).parameterCount();
        // Padding is small beside it, also in a model as small as this.
        assertTrue(all >= 12 * parameters && all < 14 * parameters, all + " bytes for " + parameters + " parameters");
        long needed = all;
        HostMemory.requireStaging(stages, mesh, List.of(0, 1, 2, 3), needed);
        assertThrows(UserError.class, () -> HostMemory.requireStaging(stages, mesh, List.of(0, 1, 2, 3), needed - 1));
        TrainConfig rounded = TrainerTest.config(Path.of("run"), "device.kind=cuda", "optimizer.moments=bf16");
        HostMemory.requireStaging(RankMemory.of(rounded, mesh), mesh, List.of(0, 1, 2, 3), needed * 2 / 3);
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
