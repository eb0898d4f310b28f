package org.longhaul.trust;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import org.longhaul.parallel.Communicator;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/** Names the rank that holds the others up, from the time each rank computes in a step without waiting for others. */
public final class StragglerReport {
    private final Backend backend;
    private final Communicator world;
    private final double factor;
    private final Arena arena;

    /**
     * Reports within the group.
     *
     * @param factor how many times the median's time makes a straggler, above 1
     */
    public StragglerReport(Backend backend, Communicator world, double factor) {
        this.backend = backend;
        this.world = world;
        this.factor = factor;
        this.arena = backend.allocate("straggler report", Arena.align(4L * world.size()));
    }

    /** One line that names the slowest rank if it is a straggler; called by all ranks with their own seconds. */
    public Optional<String> check(double computeSeconds) {
        Tensor all = arena.tensor("seconds", 0, DType.F32, world.size());
        ByteBuffer bytes = ByteBuffer.allocateDirect(4 * world.size()).order(ByteOrder.nativeOrder());
        backend.upload(all.slice(world.rank(), world.rank() + 1),
                bytes.duplicate().order(ByteOrder.nativeOrder()).limit(4).putFloat(0, (float) computeSeconds));
        world.allGather(all, all.slice(world.rank(), world.rank() + 1), backend.computeStream());
        backend.download(bytes, all);
        float[] seconds = new float[world.size()];
        bytes.asFloatBuffer().get(seconds);
        return describe(seconds, factor);
    }

    static Optional<String> describe(float[] seconds, double factor) {
        float[] sorted = seconds.clone();
        Arrays.sort(sorted);
        float median = sorted[(sorted.length - 1) / 2];
        int slowest = 0;
        for (int r = 1; r < seconds.length; r++) {
            if (seconds[r] > seconds[slowest]) {
                slowest = r;
            }
        }
        if (seconds.length < 2 || seconds[slowest] <= factor * median) {
            return Optional.empty();
        }
        return Optional.of(String.format(Locale.ROOT, "rank %d is a straggler: it computes %.3f s a step, the median rank %.3f s (%.2f times)",
                slowest, seconds[slowest], median, seconds[slowest] / median));
    }
}
