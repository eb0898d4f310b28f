package org.longhaul.natives;

import com.sun.jna.Memory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntSupplier;
import org.longhaul.error.UserError;
import org.longhaul.tensor.Backend.Stream;
import org.longhaul.tensor.DType;

/**
 * One rank's end of an NCCL group. Calls enqueue work on a stream; {@link #fault} tells what went wrong since. One thread enqueues;
 * another may ask and abort.
 */
public final class Nccl implements AutoCloseable {
    private static final long CALL_SECONDS = 2;
    private static final int FIRST_SPLIT = 21800;

    private final long comm;
    private final ReentrantLock calls = new ReentrantLock();
    private volatile boolean open = true;

    private Nccl(long comm) {
        this.comm = comm;
    }

    /** How values are combined. */
    public enum Reduction {
        /** Sum. */
        SUM(NcclApi.SUM),
        /** Maximum. */
        MAX(NcclApi.MAX);

        private final int code;

        Reduction(int code) {
            this.code = code;
        }
    }

    /** NCCL's version, for instance 22703 for 2.27.3. */
    public static int version() {
        try (Memory out = new Memory(8)) {
            NcclApi.require();
            check(NcclApi.ncclGetVersion(out), "ncclGetVersion");
            return out.getInt(0);
        }
    }

    /** A new group's name; made by one rank and given to the others. */
    public static byte[] uniqueId() {
        try (Memory out = new Memory(NcclApi.UNIQUE_ID_BYTES)) {
            NcclApi.require();
            check(NcclApi.ncclGetUniqueId(out), "ncclGetUniqueId");
            return out.getByteArray(0, NcclApi.UNIQUE_ID_BYTES);
        }
    }

    /**
     * Makes NCCL add up in a fixed order: rings, no sums inside the switches. To be called before the first group is joined; what the
     * user has set in the environment stays.
     */
    public static void fixOrder() {
        ProcessEnvironment.setIfAbsent("NCCL_ALGO", "Ring");
        ProcessEnvironment.setIfAbsent("NCCL_NVLS_ENABLE", "0");
        ProcessEnvironment.setIfAbsent("NCCL_COLLNET_ENABLE", "0");
    }

    /**
     * Keeps NCCL from registering the buffers of recorded work with other ranks: recording then concerns nobody else, and one rank may give
     * it up. To be called before the first group is joined; what the user has set in the environment stays.
     */
    public static void recordAlone() {
        ProcessEnvironment.setIfAbsent("NCCL_GRAPH_REGISTER", "0");
    }

    /** Joins a group with the calling thread's current GPU; returns when all ranks have. */
    public static Nccl join(byte[] uniqueId, int ranks, int rank) {
        NcclApi.require();
        NcclApi.UniqueId id = new NcclApi.UniqueId();
        System.arraycopy(uniqueId, 0, id.internal, 0, NcclApi.UNIQUE_ID_BYTES);
        try (Memory out = new Memory(8)) {
            check(NcclApi.ncclCommInitRank(out, ranks, id, rank), "ncclCommInitRank");
            return new Nccl(out.getLong(0));
        }
    }

    /** Whether this NCCL can divide a group: from 2.18 on. */
    public static boolean splits() {
        return version() >= FIRST_SPLIT;
    }

    /**
     * Divides this group, whose ranks all call it: those of a color, which is not negative, are one, in the order of their keys. With a negative
     * color this rank is in none, and the answer is null. The group must be idle.
     */
    public Nccl split(int color, int key) {
        try (Memory out = new Memory(8)) {
            out.setLong(0, 0);
            enqueue(() -> NcclApi.split(comm, Math.max(color, NcclApi.NO_COLOR), key, out), "ncclCommSplit");
            return color < 0 ? null : new Nccl(out.getLong(0));
        }
    }

    /** receive[count] = combined send[count]; may be in place. */
    public void allReduce(long send, long receive, long count, DType type, Reduction reduction, Stream stream) {
        requireNumbers(type);
        enqueue(() -> NcclApi.ncclAllReduce(send, receive, count, code(type), reduction.code, comm, stream.handle()), "ncclAllReduce");
    }

    /** receive[count] = this rank's part of combined send[count × ranks]; in place when receive is that part of send. */
    public void reduceScatter(long send, long receive, long count, DType type, Reduction reduction, Stream stream) {
        requireNumbers(type);
        enqueue(() -> NcclApi.ncclReduceScatter(send, receive, count, code(type), reduction.code, comm, stream.handle()), "ncclReduceScatter");
    }

    /** receive[count × ranks] = all ranks' send[count]; in place when send is this rank's part of receive. */
    public void allGather(long send, long receive, long count, DType type, Stream stream) {
        enqueue(() -> NcclApi.ncclAllGather(send, receive, count, code(type), comm, stream.handle()), "ncclAllGather");
    }

    /** In place from the root. */
    public void broadcast(long buffer, long count, DType type, int root, Stream stream) {
        enqueue(() -> NcclApi.ncclBroadcast(buffer, buffer, count, code(type), root, comm, stream.handle()), "ncclBroadcast");
    }

    /** To a peer of the group. */
    public void send(long buffer, long count, DType type, int peer, Stream stream) {
        enqueue(() -> NcclApi.ncclSend(buffer, count, code(type), peer, comm, stream.handle()), "ncclSend");
    }

    /** From a peer of the group. */
    public void receive(long buffer, long count, DType type, int peer, Stream stream) {
        enqueue(() -> NcclApi.ncclRecv(buffer, count, code(type), peer, comm, stream.handle()), "ncclRecv");
    }

    /** Collects the calls until {@link #groupEnd} into one. */
    public static void groupStart() {
        check(NcclApi.ncclGroupStart(), "ncclGroupStart");
    }

    /** Enqueues what was collected. */
    public static void groupEnd() {
        check(NcclApi.ncclGroupEnd(), "ncclGroupEnd");
    }

    /** What went wrong since, for instance a lost peer; empty while all is well. */
    public synchronized String fault() {
        if (!open) {
            return "";
        }
        try (Memory out = new Memory(8)) {
            check(NcclApi.ncclCommGetAsyncError(comm, out), "ncclCommGetAsyncError");
            int status = out.getInt(0);
            return status == NcclApi.SUCCESS || status == NcclApi.IN_PROGRESS
                    ? ""
                    : NcclApi.ncclGetErrorString(status) + ": " + NcclApi.ncclGetLastError(comm);
        }
    }

    /**
     * Gives the group up: work that waits for a peer ends. The call itself ends only when all ranks of this machine have called it, when
     * no other group's work waits on the device, and when all graphs that hold the group's work are closed.
     */
    public void abort() {
        if (ends()) {
            NcclApi.ncclCommAbort(comm);
        }
    }

    /** Ends the group when its work is done; returns when all ranks of this machine have called it. Graphs that hold its work must be closed. */
    @Override
    public void close() {
        if (ends()) {
            check(NcclApi.ncclCommDestroy(comm), "ncclCommDestroy");
        }
    }

    // True for one caller. The group is freed behind it: no call may be under way, unless one hangs, which only an abort can end.
    private boolean ends() {
        boolean held = false;
        try {
            held = calls.tryLock(CALL_SECONDS, TimeUnit.SECONDS);
            synchronized (this) {
                boolean first = open;
                open = false;
                return first;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            if (held) {
                calls.unlock();
            }
        }
    }

    private void enqueue(IntSupplier call, String name) {
        calls.lock();
        try {
            if (!open) {
                throw new IllegalStateException(name + " in a group that has ended");
            }
            check(call.getAsInt(), name);
        } finally {
            calls.unlock();
        }
    }

    // Types that travel as plain bytes cannot be added up.
    private static void requireNumbers(DType type) {
        if (code(type) == NcclApi.INT8) {
            throw new IllegalArgumentException("NCCL cannot reduce " + type);
        }
    }

    private static int code(DType type) {
        return switch (type) {
            case F32 -> NcclApi.FLOAT32;
            case BF16 -> NcclApi.BFLOAT16;
            case I32 -> NcclApi.INT32;
            case I64 -> NcclApi.INT64;
            case U8, F8_E4M3, F8_E5M2 -> NcclApi.INT8;
        };
    }

    private static void check(int status, String call) {
        if (status != NcclApi.SUCCESS) {
            throw failure(status, call, NcclApi.ncclGetErrorString(status) + " (" + NcclApi.ncclGetLastError(0) + ")");
        }
    }

    // Only what NCCL calls its own fault, or ours, is one: the others are the machine's.
    static RuntimeException failure(int status, String call, String words) {
        String mend = switch (status) {
            case NcclApi.CUDA_ERROR -> "its buffers need some hundreds of MiB of the GPU beside the model: see that other processes leave them (nvidia-smi) and "
                    + "lower micro_batch if it says out of memory";
            case NcclApi.SYSTEM_ERROR -> "look at the network between the nodes (NCCL_SOCKET_IFNAME and NCCL_IB_HCA choose it), at the room in /dev/shm and at "
                    + "the limit of locked memory (ulimit -l)";
            case NcclApi.REMOTE_ERROR -> "another rank of the job, or the network to it, is gone: its own lines tell more";
            default -> "";
        };
        String more = words + "; NCCL_DEBUG=WARN tells more";
        return mend.isEmpty() ? new NativeException("NCCL", call, status, more)
                : UserError.environment("NCCL " + call + " failed with " + status + ": " + words + "; " + mend + "; NCCL_DEBUG=WARN tells more");
    }
}
