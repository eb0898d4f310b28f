package org.longhaul.train;

import java.util.List;
import java.util.Locale;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.error.UserError;
import org.longhaul.launch.RankEnvironment;
import org.longhaul.natives.CudaDevice;
import org.longhaul.parallel.Mesh;
import org.longhaul.parallel.RankList;

/** Whether the ranks that share a GPU fit into it together, by the plan: the one that comes last would fail alone, far from the cause. */
final class SharedMemory {
    /** What a process takes of a GPU before it allocates anything. */
    private static final long CONTEXT = 600L << 20;
    private static final double GIB = 1L << 30;

    private SharedMemory() {}

    /**
     * Throws UserError (exit 2: no other attempt finds more) with the sum where the ranks of this rank's GPU need more than it has under a layout; says nothing
     * without sharing.
     */
    static void requireRoom(TrainConfig config, Mesh mesh, RankSetup setup, RankEnvironment self) {
        if (setup.backend() instanceof CudaBackend gpu && gpu.settings().shared()) {
            List<Integer> ranks = self.neighbours(System.getenv(), CudaDevice.count());
            requireRoom(RankMemory.of(config, mesh), mesh, ranks, gpu.device().totalMemory(), gpu.device().name() + " " + gpu.device().ordinal());
        }
    }

    static void requireRoom(List<RankMemory> stages, Mesh mesh, List<Integer> ranks, long has, String gpu) {
        long needed = ranks.stream().mapToLong(r -> stages.get(mesh.pipelineOf(r)).total() + CONTEXT).sum();
        if (needed > has) {
            throw UserError.badInput(String.format(
                    Locale.ROOT, "ranks %s share %s of %.1f GiB and need %.1f GiB of it by the plan: make the model smaller with overrides such as "
                            + "model.layers=4, or take fewer ranks or more GPUs", RankList.text(ranks), gpu, has / GIB, needed / GIB));
        }
    }
}
