package org.longhaul.train;

import java.util.Locale;
import org.longhaul.config.Default;
import org.longhaul.config.Doc;
import org.longhaul.tensor.DType;

/** What computes. */
@Doc("What computes.")
public record DeviceConfig(
        @Doc("cpu computes in float32; cuda on one GPU a process.") @Default("cpu") Kind kind,
        @Doc("Threads of the CPU's matrix products; 0 takes one for each core, under launch each rank its share. Results depend on it in the last bits.") @Default("0")
                int threads,
        @Doc("Same bits on every run, also on a GPU, at some cost.") @Default("false") boolean deterministic,
        @Doc("What a GPU computes in: bf16, or fp8 for the matrix products of the decoder layers (e4m3, gradients e5m2, scales from the tensors "
                + "themselves; from compute capability 8.9), or f32 for everything, which is for comparisons. The CPU computes in float32.") @Default("bf16") Precision precision,
        @Doc("Launch forward and backward of a micro-batch as CUDA graphs, recorded after the first step: auto does where it can (on "
                + "a GPU), on refuses to start where it cannot, off calls operation by operation.") @Default("auto") Graphs cudaGraph) {
    private static final int MOST_THREADS = 4096;

    /** Whether recorded work is launched instead of single operations. */
    public enum Graphs {
        /** Where it can be. */
        AUTO,
        /** Always. */
        ON,
        /** Never. */
        OFF
    }

    /** In what the decoder layers multiply matrices. */
    public enum Precision {
        /** The compute type. */
        BF16,
        /** 8-bit floats. */
        FP8,
        /** Single precision throughout. */
        F32
    }

    /** Where to compute. */
    public enum Kind {
        /** The host. */
        CPU,
        /** An NVIDIA GPU. */
        CUDA
    }

    /** Whether the decoder layers multiply in 8-bit floats. */
    public boolean fp8() {
        return precision == Precision.FP8;
    }

    /** Kind and arithmetic, such as {@code cuda (bf16)}. */
    String words() {
        return kind == Kind.CPU ? "cpu (f32)" : "cuda (" + precision.name().toLowerCase(Locale.ROOT) + ")";
    }

    /** The type of activations and working weights. */
    public DType computeType() {
        return kind == Kind.CUDA && precision != Precision.F32 ? DType.BF16 : DType.F32;
    }

    /** Checks the range. */
    public DeviceConfig {
        if (threads < 0) {
            throw new IllegalArgumentException("threads must not be negative: " + threads);
        }
        if (threads > MOST_THREADS) {
            throw new IllegalArgumentException("threads must be at most " + MOST_THREADS + ": " + threads);
        }
        if (precision == Precision.FP8 && kind != Kind.CUDA) {
            throw new IllegalArgumentException("precision fp8 needs kind cuda: the CPU computes in float32");
        }
        if (cudaGraph == Graphs.ON && kind != Kind.CUDA) {
            throw new IllegalArgumentException("cuda_graph on needs kind cuda: the CPU has no graphs; leave it auto");
        }
    }
}
