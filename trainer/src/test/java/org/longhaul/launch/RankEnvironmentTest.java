package org.longhaul.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;

class RankEnvironmentTest {
    private static final Map<String, String> LAUNCHED = Map.of("LONGHAUL_RENDEZVOUS", "launcher");
    private static final Map<String, String> SHARED = Map.of("LONGHAUL_RENDEZVOUS", "launcher", SharedGpus.VARIABLE, "1");

    @Test
    void nothingSetMeansOneProcess() {
        assertEquals(RankEnvironment.alone(), RankEnvironment.detect(Map.of()));
    }

    @Test
    void readsTorchrunsNames() {
        RankEnvironment e = RankEnvironment.detect(Map.of("RANK", "9", "WORLD_SIZE", "16", "LOCAL_RANK", "1", "LOCAL_WORLD_SIZE", "8",
                "MASTER_ADDR", "gpu1", "MASTER_PORT", "29500"));
        assertEquals(9, e.rank());
        assertEquals(1, e.localRank());
        assertEquals("gpu1", e.masterHost());
        assertFalse(e.servesRendezvous());
    }

    @Test
    void readsSlurmsNames() {
        Map<String, String> env = new HashMap<>(Map.of("SLURM_PROCID", "0", "SLURM_NTASKS", "8", "SLURM_LOCALID", "0",
                "SLURM_JOB_NODELIST", "gpu[07-08]", "SLURM_JOB_ID", "123456", "SLURM_NNODES", "2", "SLURM_STEP_ID", "0",
                "SLURM_RESTART_COUNT", "1"));
        RankEnvironment e = RankEnvironment.detect(env);
        assertEquals(8, e.worldSize());
        assertEquals(4, e.localWorldSize());
        assertEquals("gpu07", e.masterHost());
        assertTrue(e.servesRendezvous());
        assertEquals(1, e.attempt());
        env.put("SLURM_PROCID", "5");
        env.put("SLURM_LOCALID", "1");
        RankEnvironment other = RankEnvironment.detect(env);
        assertFalse(other.servesRendezvous());
        assertEquals(e.masterPort(), other.masterPort());
        assertEquals(e.token(), other.token());
    }

    /** What srun -n 4 gave on two nodes of four cores (Slurm 22.05): three tasks on the first, although a node has two GPUs. */
    @Test
    void tasksAreCountedByNodeWhereSlurmSpreadsThemUnevenly() {
        Map<String, String> env = new HashMap<>(Map.of("SLURM_PROCID", "2", "SLURM_NTASKS", "4", "SLURM_LOCALID", "2", "SLURM_NODEID", "0", "SLURM_NNODES", "2",
                "SLURM_STEP_NODELIST", "n[1-2]", "SLURM_STEP_TASKS_PER_NODE", "3,1", "SLURM_JOB_ID", "1", "SLURM_STEP_ID", "0"));
        assertEquals(3, RankEnvironment.detect(env).localWorldSize());
        env.putAll(Map.of("SLURM_PROCID", "3", "SLURM_LOCALID", "0", "SLURM_NODEID", "1"));
        assertEquals(1, RankEnvironment.detect(env).localWorldSize());
        env.put("SLURM_STEP_TASKS_PER_NODE", "3");
        assertTrue(assertThrows(UserError.class, () -> RankEnvironment.detect(env)).getMessage().contains("SLURM_STEP_TASKS_PER_NODE"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"0|8(x3),4|8", "2|8(x3),4|8", "3|8(x3),4|4", "0|2|2", "1|3,1|1"})
    void readsSlurmsTasksPerNode(int node, String list, int tasks) {
        assertEquals(tasks, RankEnvironment.tasksOf(node, list));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"gpu1|gpu1", "a,b|a", "gpu[003-006,9],x|gpu003", "gpu[7]|gpu7", "login1,gpu[1-2]|login1",
        "rack[1-2]-node|rack1-node"})
    void findsTheFirstHostOfASlurmList(String list, String first) {
        assertEquals(first, RankEnvironment.firstHost(list));
    }

    @Test
    void wrongNumbersAreNamed() {
        assertTrue(assertThrows(UserError.class, () -> RankEnvironment.detect(Map.of("RANK", "x", "WORLD_SIZE", "2")))
                .getMessage().contains("RANK"));
        assertTrue(assertThrows(UserError.class, () -> RankEnvironment.detect(
                Map.of("RANK", "2", "WORLD_SIZE", "2", "MASTER_ADDR", "h", "MASTER_PORT", "1"))).getMessage().contains("rank 2 of 2"));
        assertTrue(assertThrows(UserError.class, () -> RankEnvironment.detect(Map.of("RANK", "0", "WORLD_SIZE", "2")))
                .getMessage().contains("MASTER_ADDR"));
    }

    @Test
    void theGpuIsTheLocalRankUnlessEachProcessSeesOnlyItsOwn() {
        RankEnvironment third = new RankEnvironment(3, 8, 3, 8, "h", 1, "t", false, 0);
        assertEquals(3, third.device(Map.of(), 8));
        assertEquals(3, third.device(Map.of("CUDA_VISIBLE_DEVICES", "0,1,2,3"), 4));
        assertEquals(0, third.device(Map.of("CUDA_VISIBLE_DEVICES", "3"), 1));
        assertEquals(0, third.device(Map.of(), 1), "a scheduler that shows each process its own without naming it");
        assertEquals(3, third.device(LAUNCHED, 8));
    }

    @Test
    void moreRanksThanGpusAreRefusedUnlessTheyMayShare() {
        for (int rank = 0; rank < 4; rank++) {
            RankEnvironment self = new RankEnvironment(4 + rank, 8, rank, 4, "h", 1, "t", false, 0);
            for (int gpus = 1; gpus < 4; gpus++) {
                int visible = gpus;
                UserError e = assertThrows(UserError.class, () -> self.device(LAUNCHED, visible));
                assertTrue(e.getMessage().contains("--nproc 4") && e.getMessage().contains("--share-gpus"), e.getMessage());
                assertEquals(ExitCode.BAD_INPUT, e.exitCode(), "no other attempt can help");
                assertEquals(rank % gpus, self.device(SHARED, gpus));
            }
            assertEquals(List.of(4, 5, 6, 7), self.neighbours(SHARED, 1));
            assertEquals(rank % 2 == 0 ? List.of(4, 6) : List.of(5, 7), self.neighbours(SHARED, 2));
            assertEquals(List.of(4 + rank), self.neighbours(SHARED, 4));
            assertEquals(List.of(4 + rank), self.neighbours(LAUNCHED, 4));
        }
    }

    /** What worked before and does not now is the machine's: status 2 would end a job of weeks for good. */
    @Test
    void aGpuThatIsGoneInALaterStartIsTheMachinesFault() {
        RankEnvironment restarted = new RankEnvironment(1, 4, 1, 4, "h", 1, "t", false, 2);
        UserError e = assertThrows(UserError.class, () -> restarted.device(LAUNCHED, 3));
        assertEquals(ExitCode.ENVIRONMENT, e.exitCode());
        assertTrue(e.getMessage().contains("a GPU may be gone") && e.getMessage().contains("3 GPUs"), e.getMessage());
        RankEnvironment requeued = new RankEnvironment(1, 4, 1, 4, "h", 1, "t", false, 0);
        assertEquals(ExitCode.BAD_INPUT, assertThrows(UserError.class, () -> requeued.device(LAUNCHED, 3)).exitCode());
        // A pod that was replaced begins to count anew.
        assertEquals(ExitCode.ENVIRONMENT, assertThrows(UserError.class, () -> requeued.startedBefore().device(LAUNCHED, 3)).exitCode());
        Map<String, String> slurm = Map.of("LONGHAUL_RENDEZVOUS", "launcher", "SLURM_RESTART_COUNT", "1");
        assertEquals(ExitCode.ENVIRONMENT, assertThrows(UserError.class, () -> requeued.device(slurm, 3)).exitCode());
    }
}
