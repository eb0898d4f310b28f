package org.longhaul.launch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.longhaul.error.UserError;

class NodeEnvironmentTest {
    private static final Map<String, String> SLURM = Map.of("SLURM_STEP_ID", "0", "SLURM_NODEID", "1", "SLURM_NNODES", "2", "SLURM_NTASKS", "2",
            "SLURM_JOB_NODELIST", "gpu[07-08]", "SLURM_JOB_ID", "4711");

    @Test
    void aStepOfOneTaskANodeIsAJobOfLaunchers() {
        assertEquals(new NodeEnvironment(2, 1, "gpu07", 24711, Optional.of("slurm-4711.0")), NodeEnvironment.detect(SLURM));
        assertEquals("gpu08", NodeEnvironment.detect(and(SLURM, "SLURM_STEP_NODELIST", "gpu[08-09]")).host());
        assertEquals("10.0.0.7", NodeEnvironment.detect(and(SLURM, "MASTER_ADDR", "10.0.0.7")).host());
        assertEquals(29500, NodeEnvironment.detect(and(SLURM, "MASTER_PORT", "29500")).port());
        assertEquals(Optional.of("slurm-4711.0.3"), NodeEnvironment.detect(and(SLURM, "SLURM_RESTART_COUNT", "3")).job(),
                "a node that was cut off may still run launchers of an earlier start");
    }

    @Test
    void oneTaskAGpuNeedsNoLauncher() {
        UserError e = assertThrows(UserError.class, () -> NodeEnvironment.detect(and(SLURM, "SLURM_NTASKS", "16")));
        assertTrue(e.getMessage().contains("srun started 16 tasks on 2 nodes") && e.getMessage().contains("--ntasks-per-node=1"), e.getMessage());
    }

    @Test
    void aBatchScriptAndOneNodeAreOnTheirOwn() {
        NodeEnvironment alone = new NodeEnvironment(1, 0, "127.0.0.1", 0, Optional.empty());
        assertEquals(alone, NodeEnvironment.detect(Map.of()));
        assertEquals(alone, NodeEnvironment.detect(Map.of("SLURM_JOB_ID", "4711", "SLURM_NODEID", "0", "SLURM_NNODES", "2")));
        assertEquals(alone, NodeEnvironment.detect(Map.of("SLURM_STEP_ID", "3", "SLURM_NODEID", "0", "SLURM_NNODES", "1", "SLURM_NTASKS", "1", "SLURM_JOB_ID", "9")));
    }

    @Test
    void namesOfTorchrunAndOfAnIndexedJob() {
        NodeEnvironment second = new NodeEnvironment(2, 1, "run7-0.run7", 29400, Optional.of("run7"));
        assertEquals(second, NodeEnvironment.detect(Map.of("NNODES", "2", "JOB_COMPLETION_INDEX", "1", "MASTER_ADDR", "run7-0.run7", "MASTER_PORT", "29400", "LONGHAUL_JOB", "run7")));
        assertEquals(second, NodeEnvironment.detect(Map.of("PET_NNODES", "2", "PET_NODE_RANK", "1", "PET_MASTER_ADDR", "run7-0.run7", "PET_MASTER_PORT", "29400", "PET_RDZV_ID", "run7")));
        assertEquals(second, NodeEnvironment.detect(and(SLURM, "NNODES", "2", "NODE_RANK", "1", "MASTER_ADDR", "run7-0.run7", "MASTER_PORT", "29400", "LONGHAUL_JOB", "run7")));
    }

    @Test
    void whatIsMissingOrNoNumberIsNamed() {
        assertTrue(refused(Map.of("NNODES", "2")).contains("set NODE_RANK"));
        assertTrue(refused(Map.of("PET_NNODES", "1:4")).contains("NNODES in the environment is no number: '1:4'"));
    }

    private static String refused(Map<String, String> env) {
        return assertThrows(UserError.class, () -> NodeEnvironment.detect(env)).getMessage();
    }

    private static Map<String, String> and(Map<String, String> env, String... more) {
        Map<String, String> all = new HashMap<>(env);
        for (int i = 0; i < more.length; i += 2) {
            all.put(more[i], more[i + 1]);
        }
        return all;
    }
}
