package org.longhaul.train;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.longhaul.error.UserError;
import org.longhaul.launch.RankEnvironment;
import org.longhaul.parallel.Mesh;

/** Whether the ranks that compute on this machine's processors fit into its memory, by the plan: otherwise the kernel ends one of them without a word. */
final class HostMemory {
    private static final double GIB = 1L << 30;

    private HostMemory() {}

    /** Throws UserError (exit 3) with the sum where the job computes on CPUs and this machine or container has less memory than its ranks need. */
    static void requireRoom(TrainConfig config, Mesh mesh, RankEnvironment self) {
        if (config.device().kind() == DeviceConfig.Kind.CPU) {
            int first = self.rank() - self.localRank();
            List<Integer> ranks = IntStream.range(first, Math.min(first + self.localWorldSize(), mesh.size())).boxed().toList();
            requireRoom(RankMemory.of(config, mesh), mesh, ranks, ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getTotalMemorySize());
        }
    }

    static void requireRoom(List<RankMemory> stages, Mesh mesh, List<Integer> ranks, long has) {
        long needed = ranks.stream().mapToLong(r -> stages.get(mesh.pipelineOf(r)).total()).sum();
        if (needed > has) {
            throw UserError.environment(String.format(Locale.ROOT, "%s %.1f GiB of memory by the plan, and this machine or container has %.1f GiB: lower "
                    + "batch.micro_batch or model, set memory.recompute or memory.loss_chunk, or compute on GPUs with device.kind=cuda; longhaul plan shows every row",
                    ranks.size() == 1 ? "the job needs" : "the " + ranks.size() + " ranks of this machine need", needed / GIB, has / GIB));
        }
    }
}
