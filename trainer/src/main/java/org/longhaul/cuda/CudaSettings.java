package org.longhaul.cuda;

import java.nio.file.Path;
import org.longhaul.natives.CacheFolder;
import org.longhaul.tensor.DType;

/**
 * How a GPU is used.
 *
 * @param device index among the GPUs this process sees
 * @param computeType type of activations and working weights: BF16, or F32 for comparisons
 * @param shared other ranks compute on this GPU: nothing is timed, because what is measured beside them decides nothing
 * @param deterministic only algorithms whose sums have a fixed order, nothing chosen by time
 * @param gemmWorkspace bytes of scratch for split matrix products
 * @param cache folder of compiled kernels and measured choices
 */
public record CudaSettings(
        int device, DType computeType, boolean shared, boolean deterministic, long gemmWorkspace, Path cache) {
    /** Scratch that suits Hopper's split products, in bytes. */
    public static final long GEMM_WORKSPACE = 32L << 20;

    /** Checks the types. */
    public CudaSettings {
        if (computeType != DType.BF16 && computeType != DType.F32) {
            throw new IllegalArgumentException("compute type must be BF16 or F32: " + computeType);
        }
    }

    /** BF16, 32 MiB of matrix scratch, measured choices in the user's cache folder. */
    public static CudaSettings standard(int device) {
        return new CudaSettings(device, DType.BF16, false, false, GEMM_WORKSPACE, CacheFolder.folder(""));
    }

    /** The same with only reproducible algorithms. */
    public CudaSettings reproducible() {
        return new CudaSettings(device, computeType, shared, true, gemmWorkspace, cache);
    }

    /** The same with another compute type. */
    public CudaSettings computing(DType type) {
        return new CudaSettings(device, type, shared, deterministic, gemmWorkspace, cache);
    }

    /** The same beside other ranks on the GPU. */
    public CudaSettings sharing() {
        return new CudaSettings(device, computeType, true, deterministic, gemmWorkspace, cache);
    }
}
