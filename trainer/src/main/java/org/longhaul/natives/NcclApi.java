package org.longhaul.natives;

import com.sun.jna.Function;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import org.longhaul.error.UserError;

/** NCCL's C entry points and constants as they are (nccl.h). */
final class NcclApi {
    static final int UNIQUE_ID_BYTES = 128;
    static final int SUCCESS = 0;
    static final int CUDA_ERROR = 1;
    static final int SYSTEM_ERROR = 2;
    static final int REMOTE_ERROR = 6;
    static final int IN_PROGRESS = 7;

    static final int INT8 = 0;
    static final int INT32 = 2;
    static final int INT64 = 4;
    static final int FLOAT32 = 7;
    static final int BFLOAT16 = 9;

    static final int SUM = 0;
    static final int MAX = 2;

    /** A rank that is in no part of a split. */
    static final int NO_COLOR = -1;

    private static NativeLibrary loaded;
    private static Function initRank;

    private static final UserError MISSING = NativeLibraries.bind(() -> {
        NativeLibrary library = NativeLibraries.open(
                "nccl", "it comes with every CUDA build of PyTorch: point PYTORCH_LIBRARY_PATH at that PyTorch's lib folder",
                "libnccl.so.2");
        Native.register(NcclApi.class, library);
        loaded = library;
        initRank = library.getFunction("ncclCommInitRank");
    });

    private NcclApi() {}

    /** Throws the UserError (exit 3) that says what is missing, where this library could not be loaded. */
    static void require() {
        if (MISSING != null) {
            throw MISSING;
        }
    }

    /** The group's name as the library passes it: by value. */
    @Structure.FieldOrder("internal")
    public static final class UniqueId extends Structure implements Structure.ByValue {
        /** Opaque bytes. */
        public byte[] internal = new byte[UNIQUE_ID_BYTES];
    }

    static int ncclCommInitRank(Pointer comm, int ranks, UniqueId id, int rank) {
        return initRank.invokeInt(new Object[] {comm, ranks, id, rank});
    }

    /** Since 2.18, so not bound with the others. No configuration: a child takes its parent's, and shares none of its buffers. */
    static int split(long comm, int color, int key, Pointer out) {
        return loaded.getFunction("ncclCommSplit").invokeInt(new Object[] {comm, color, key, out, Pointer.NULL});
    }

    static native int ncclGetVersion(Pointer version);

    static native int ncclGetUniqueId(Pointer id);

    static native String ncclGetErrorString(int status);

    static native String ncclGetLastError(long comm);

    static native int ncclCommDestroy(long comm);

    static native int ncclCommAbort(long comm);

    static native int ncclCommGetAsyncError(long comm, Pointer status);

    static native int ncclAllReduce(long send, long receive, long count, int type, int op, long comm, long stream);

    static native int ncclReduceScatter(long send, long receive, long receiveCount, int type, int op, long comm, long stream);

    static native int ncclAllGather(long send, long receive, long sendCount, int type, long comm, long stream);

    static native int ncclBroadcast(long send, long receive, long count, int type, int root, long comm, long stream);

    static native int ncclSend(long send, long count, int type, int peer, long comm, long stream);

    static native int ncclRecv(long receive, long count, int type, int peer, long comm, long stream);

    static native int ncclGroupStart();

    static native int ncclGroupEnd();
}
