package org.longhaul.train;

import java.time.Duration;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;
import org.longhaul.trust.StragglerConfig;

/** How the processes of a job meet and watch each other. */
@Doc("How the processes of a job meet and watch each other.")
public record RanksConfig(
        @Doc("How long to wait for all processes to start and meet.") @Default("5m") Duration joinTimeout,
        @Doc("How long a collective may take before the missing rank is named and the job ends for a restart; longer than the "
                + "slowest step and checkpoint load.") @Default("10m") Duration stallTimeout,
        @Doc("Steps between comparisons of what data-parallel ranks, and tensor-parallel ranks for norm weights, should hold bit for "
                + "bit alike; 0 never compares.") @Default("500") int hashEvery,
        @Doc("Sum gradients over data-parallel ranks bucket by bucket behind the last micro-batch's backward, not after it.")
                @Default("true") boolean overlapReduce,
        @Doc("Bring updated weights together bucket by bucket ahead of the next forward, not all at once after the update.")
                @Default("true") boolean overlapGather,
        @Doc("Parts that tensor-parallel products and their collectives are cut into, so that one part computes while the next travels; 1 cuts "
                + "and overlaps nothing, 0 chooses: 4 on GPUs, 1 on CPUs and in 8-bit floats, which would quantise the weights once a part.")
                @Default("0") int tensorChunks,
        @Doc("Post the receive of the next micro-batch's activations and gradients before the current one is computed.")
                @Default("true") boolean prefetchReceives,
        @Doc("Ranks that are slower than the others.") StragglerConfig straggler) {
    private static final int GPU_CHUNKS = 4;
    private static final int MOST_CHUNKS = 1024;

    /** Checks the ranges. */
    public RanksConfig {
        if (joinTimeout.isNegative() || joinTimeout.isZero() || stallTimeout.isNegative() || stallTimeout.isZero()) {
            throw new IllegalArgumentException("join_timeout and stall_timeout must be above 0: " + joinTimeout + ", " + stallTimeout);
        }
        if (tensorChunks < 0) {
            throw new IllegalArgumentException("tensor_chunks must not be negative: " + tensorChunks);
        }
        if (tensorChunks > MOST_CHUNKS) {
            throw new IllegalArgumentException("tensor_chunks must be at most " + MOST_CHUNKS + ": " + tensorChunks);
        }
        if (hashEvery < 0) {
            throw new IllegalArgumentException("hash_every must not be negative: " + hashEvery);
        }
    }

    /** Parts of tensor-parallel products on a device. */
    int tensorChunks(DeviceConfig device) {
        if (tensorChunks > 0) {
            return tensorChunks;
        }
        return device.kind() == DeviceConfig.Kind.CUDA && !device.fp8() ? GPU_CHUNKS : 1;
    }
}
