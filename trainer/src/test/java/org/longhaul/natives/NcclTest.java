package org.longhaul.natives;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.Memory;
import java.util.Arrays;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The real NCCL through the binding, as far as it goes without a GPU; wants a folder with libnccl.so.2 in LD_LIBRARY_PATH. */
class NcclTest {
    @BeforeAll
    static void library() {
        Assumptions.assumeTrue(NativeLibraries.find("nccl").isPresent(), "no libnccl.so.2: name its folder in LD_LIBRARY_PATH (pip's nvidia-nccl wheels have one)");
    }

    @Test
    void theVersionIsTheFilesOwn() {
        int version = Nccl.version();
        assertTrue(version >= 21800 && version < 100000, "version " + version);
        assertTrue(Nccl.splits());
    }

    /** The first eight bytes are random, the address of the root follows; all must come through, and no two groups may be alike. */
    @Test
    void groupsHaveNamesOfTheirOwn() {
        byte[] one = Nccl.uniqueId();
        byte[] two = Nccl.uniqueId();
        assertEquals(128, one.length);
        assertFalse(Arrays.equals(one, two));
        assertFalse(Arrays.equals(Arrays.copyOf(one, 8), new byte[8]));
    }

    @Test
    void theStatusesMeanWhatNcclSays() {
        assertEquals("no error", NcclApi.ncclGetErrorString(NcclApi.SUCCESS));
        assertTrue(NcclApi.ncclGetErrorString(NcclApi.IN_PROGRESS).contains("progress"), NcclApi.ncclGetErrorString(NcclApi.IN_PROGRESS));
        assertTrue(NcclApi.ncclGetErrorString(4).contains("invalid argument"));
    }

    /** A wrong rank and what is no group are told apart, so arguments arrive where NCCL reads them; the name of 128 bytes goes by value. */
    @Test
    void argumentsArriveInTheirPlaces() {
        byte[] id = Nccl.uniqueId();
        NativeException wrong = assertThrows(NativeException.class, () -> Nccl.join(id, 2, 2));
        assertTrue(wrong.getMessage().contains("ncclCommInitRank"), wrong.getMessage());
        try (Memory out = new Memory(8)) {
            assertEquals(4, NcclApi.ncclCommGetAsyncError(0, out), "a group that is none");
            assertEquals(4, NcclApi.ncclAllReduce(0, 0, 1, NcclApi.FLOAT32, NcclApi.SUM, 0, 0));
            assertEquals(4, NcclApi.ncclSend(0, 1, NcclApi.FLOAT32, 0, 0, 0));
        }
        assertTrue(NcclApi.ncclGetLastError(0).contains("NULL"), NcclApi.ncclGetLastError(0));
    }

    /** Groups of calls are the thread's own: an end without a start is wrong usage. */
    @Test
    void callsAreGrouped() {
        Nccl.groupStart();
        Nccl.groupEnd();
        assertThrows(NativeException.class, Nccl::groupEnd);
    }
}
