package org.longhaul.train;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.longhaul.error.UserError;
import org.longhaul.launch.RankEnvironment;
import org.longhaul.parallel.Mesh;

/**
 * Whether what the ranks of this machine keep in its memory fits, by the plan: all of a rank that computes on processors, the staged checkpoint of one that
 * computes on a GPU. Otherwise the kernel ends one of them without a word.
 */
final class HostMemory {
    private static final double GIB = 1L << 30;

    private HostMemory() {}

    /** Throws UserError (exit 3) with the sum where this machine or container has less memory than its ranks need. */
    static void requireRoom(TrainConfig config, Mesh mesh, RankEnvironment self) {
        int first = self.rank() - self.localRank();
        List<Integer> ranks = IntStream.range(first, Math.min(first + self.localWorldSize(), mesh.size())).boxed().toList();
        long has = ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getTotalMemorySize();
        List<RankMemory> stages = RankMemory.of(config, mesh);
        if (config.device().kind() == DeviceConfig.Kind.CPU) {
            requireRoom(stages, mesh, ranks, has);
        } else {
            requireStaging(stages, mesh, ranks, has);
        }
    }

    /** The same for page-locked copies of the state, which saves are written from. */
    static void requireStaging(List<RankMemory> stages, Mesh mesh, List<Integer> ranks, long has) {
        long needed = ranks.stream().mapToLong(r -> stages.get(mesh.pipelineOf(r)).staged()).sum();
        if (needed > has) {
            throw UserError.environment(String.format(Locale.ROOT, "checkpoints are staged in this machine's memory, %.1f GiB for %d of the job's ranks, and this "
                    + "machine or container has %.1f GiB: start fewer ranks on each machine, take more machines, or set optimizer.moments to bf16",
                    needed / GIB, ranks.size(), has / GIB));
        }
    }

    static void requireRoom(List<RankMemory> stages, Mesh mesh, List<Integer> ranks, long has) {
        long needed = ranks.stream().map(r -> stages.get(mesh.pipelineOf(r))).mapToLong(m -> m.total() + m.staged()).sum();
        if (needed > has) {
            throw UserError.environment(String.format(Locale.ROOT, "%s %.1f GiB of memory by the plan, and this machine or container has %.1f GiB: lower "
                    + "batch.micro_batch or model, set memory.recompute or memory.loss_chunk, or compute on GPUs with device.kind=cuda; longhaul plan shows every row",
                    ranks.size() == 1 ? "the job needs" : "the " + ranks.size() + " ranks of this machine need", needed / GIB, has / GIB));
        }
    }
}
