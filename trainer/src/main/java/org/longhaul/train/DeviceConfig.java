package org.longhaul.train;

import org.longhaul.config.Default;
import org.longhaul.config.Doc;
import org.longhaul.tensor.DType;

/** What computes. */
@Doc("What computes.")
public record DeviceConfig(
        @Doc("cpu computes in float32; cuda in bfloat16 on one GPU a process.") @Default("cpu") Kind kind,
        @Doc("Threads of the CPU's matrix products; 0 takes one for each core. Results depend on it in the last bits.") @Default("0")
                int threads,
        @Doc("Same bits on every run, also on a GPU, at some cost.") @Default("false") boolean deterministic) {
    /** Where to compute. */
    public enum Kind {
        /** The host. */
        CPU,
        /** An NVIDIA GPU. */
        CUDA
    }

    /** The type of activations and working weights. */
    public DType computeType() {
        return kind == Kind.CUDA ? DType.BF16 : DType.F32;
    }

    /** Checks the range. */
    public DeviceConfig {
        if (threads < 0) {
            throw new IllegalArgumentException("threads must not be negative: " + threads);
        }
    }
}
