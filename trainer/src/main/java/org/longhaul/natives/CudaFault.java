package org.longhaul.natives;

import org.longhaul.error.UserError;
import org.longhaul.tensor.OutOfDeviceMemory;

/** What a status of the CUDA driver other than success means to the user: whose it is to mend, and how. The advice depends on the call. */
final class CudaFault {
    static final int OUT_OF_MEMORY = 2;
    static final int DEVICE_UNAVAILABLE = 46;
    static final int NO_DEVICE = 100;
    static final int ECC_UNCORRECTABLE = 214;
    static final int NVLINK_UNCORRECTABLE = 220;
    static final int SYSTEM_NOT_READY = 802;
    static final int MPS_CONNECTION_FAILED = 805;
    static final int MPS_CLIENT_TERMINATED = 810;

    private static final String SMALLER = "lower micro_batch, raise recompute, or shard over more GPUs (longhaul plan shows the table)";
    private static final double GIB = 1L << 30;

    private CudaFault() {}

    /** Of a call within an open context. */
    static RuntimeException of(int status, String call) {
        if (status == OUT_OF_MEMORY) {
            return UserError.environment("the GPU is out of memory in " + call + "; " + SMALLER, new OutOfDeviceMemory(call));
        }
        if (status == ECC_UNCORRECTABLE || status == NVLINK_UNCORRECTABLE) {
            return UserError.environment((status == ECC_UNCORRECTABLE ? "the GPU's memory" : "an NVLink of the GPU") + " has an error that it cannot correct, in "
                    + call + " (" + CudaApi.text(status) + "); take this node out of the job and have the GPU looked at (nvidia-smi -q shows its error counts)");
        }
        return mps(status) ? UserError.environment(refused("the GPU", CudaApi.text(status) + " in " + call))
                : new NativeException("CUDA driver", call, status, CudaApi.text(status));
    }

    /** Of cuInit. */
    static UserError ofStart(int status) {
        if (status == NO_DEVICE) {
            return UserError.environment("no GPU on this machine (the NVIDIA driver sees none); check CUDA_VISIBLE_DEVICES and nvidia-smi, or compute with "
                    + "device.kind=cpu (--device cpu)");
        }
        String words = CudaApi.text(status);
        if (mps(status)) {
            return UserError.environment(refused("the NVIDIA driver", words));
        }
        return UserError.environment("the NVIDIA driver does not start: " + words + switch (status) {
            case OUT_OF_MEMORY -> "; this machine or this process's limits (ulimit -v, the job's memory) leave the driver no host memory";
            case SYSTEM_NOT_READY -> "; the machine's GPUs are joined by NVSwitches, whose nvidia-fabricmanager service must run and be of the driver's version";
            default -> "; check that nvidia-smi works and that the driver is not older than the CUDA of libtorch";
        });
    }

    /** Of the call that makes a process's context on a GPU, before which this process holds nothing there. */
    static RuntimeException ofContext(int status, String gpu) {
        return switch (status) {
            case DEVICE_UNAVAILABLE -> UserError.environment(gpu + " is held by another process alone: its compute mode is exclusive or prohibited; "
                    + "start one process for each GPU, or have the mode set back (nvidia-smi -c DEFAULT)");
            case OUT_OF_MEMORY -> UserError.environment(gpu + " has no memory left for this process to begin with: other processes hold it (nvidia-smi lists "
                    + "them; end those that are left over), or an MPS server stands before it that takes no further client (its control.log and server.log say)");
            default -> of(status, "cuDevicePrimaryCtxRetain on " + gpu);
        };
    }

    /** Of a reservation of page-locked memory, which is the host's. */
    static RuntimeException ofPinned(int status, long bytes) {
        String call = "cuMemHostAlloc of " + bytes + " bytes";
        return status != OUT_OF_MEMORY ? of(status, call)
                : UserError.environment(String.format("this machine gives no further %.2f GiB of page-locked host memory: the memory of the machine, or what "
                        + "the job may take of it, is used up; ask the scheduler for more memory, or let fewer ranks share this machine", bytes / GIB));
    }

    /** Of a reservation of the GPU's memory. */
    static RuntimeException ofAllocation(int status, long bytes, CudaDevice device) {
        String call = "cuMemAlloc of " + bytes + " bytes";
        return status != OUT_OF_MEMORY ? of(status, call)
                : UserError.environment(String.format("%s (GPU %d) has %.2f GiB free of %.2f, %.2f GiB more are needed; %s", device.name(), device.ordinal(),
                        device.freeMemory() / GIB, device.totalMemory() / GIB, bytes / GIB, SMALLER), new OutOfDeviceMemory(call));
    }

    private static boolean mps(int status) {
        return status >= MPS_CONNECTION_FAILED && status <= MPS_CLIENT_TERMINATED;
    }

    private static String refused(String what, String words) {
        return what + " is behind an MPS server that does not serve this process: " + words + "; its control.log and server.log say why; start fewer processes "
                + "on the GPU, start that server again (nvidia-cuda-mps-control), or unset CUDA_MPS_PIPE_DIRECTORY and end it";
    }
}
