package org.longhaul.natives;

import com.sun.jna.Memory;
import org.longhaul.tensor.Backend.Stream;
import org.longhaul.tensor.DType;

/** One rank's end of an NCCL group. Calls enqueue work on a stream; {@link #fault} tells what went wrong since. */
public final class Nccl implements AutoCloseable {
    private final long comm;
    private boolean open = true;

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

    /** receive[count] = combined send[count]; may be in place. */
    public void allReduce(long send, long receive, long count, DType type, Reduction reduction, Stream stream) {
        requireNumbers(type);
        check(NcclApi.ncclAllReduce(send, receive, count, code(type), reduction.code, comm, stream.handle()), "ncclAllReduce");
    }

    /** receive[count] = this rank's part of combined send[count × ranks]; in place when receive is that part of send. */
    public void reduceScatter(long send, long receive, long count, DType type, Reduction reduction, Stream stream) {
        requireNumbers(type);
        check(NcclApi.ncclReduceScatter(send, receive, count, code(type), reduction.code, comm, stream.handle()), "ncclReduceScatter");
    }

    /** receive[count × ranks] = all ranks' send[count]; in place when send is this rank's part of receive. */
    public void allGather(long send, long receive, long count, DType type, Stream stream) {
        check(NcclApi.ncclAllGather(send, receive, count, code(type), comm, stream.handle()), "ncclAllGather");
    }

    /** In place from the root. */
    public void broadcast(long buffer, long count, DType type, int root, Stream stream) {
        check(NcclApi.ncclBroadcast(buffer, buffer, count, code(type), root, comm, stream.handle()), "ncclBroadcast");
    }

    /** To a peer of the group. */
    public void send(long buffer, long count, DType type, int peer, Stream stream) {
        check(NcclApi.ncclSend(buffer, count, code(type), peer, comm, stream.handle()), "ncclSend");
    }

    /** From a peer of the group. */
    public void receive(long buffer, long count, DType type, int peer, Stream stream) {
        check(NcclApi.ncclRecv(buffer, count, code(type), peer, comm, stream.handle()), "ncclRecv");
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

    /** Gives the group up at once: work that waits for a peer ends. */
    public synchronized void abort() {
        if (open) {
            open = false;
            NcclApi.ncclCommAbort(comm);
        }
    }

    @Override
    public synchronized void close() {
        if (open) {
            open = false;
            check(NcclApi.ncclCommDestroy(comm), "ncclCommDestroy");
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
            throw new NativeException("NCCL", call, status,
                    NcclApi.ncclGetErrorString(status) + " (" + NcclApi.ncclGetLastError(0) + "); NCCL_DEBUG=WARN tells more");
        }
    }
}
