package org.longhaul.natives;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.longhaul.error.ExitCode;
import org.longhaul.error.UserError;

class NcclFailureTest {
    /** The statuses are nccl.h's. */
    @ParameterizedTest
    @CsvSource({"1, unhandled cuda error, nvidia-smi", "2, unhandled system error, NCCL_SOCKET_IFNAME", "6, remote process exited or there was a network error, another rank"})
    void whatTheMachineDidIsNoDefectAndTheLineSaysWhereToLook(int status, String words, String mend) {
        UserError told = assertInstanceOf(UserError.class, Nccl.failure(status, "ncclCommInitRank", words));
        assertEquals(ExitCode.ENVIRONMENT, told.exitCode());
        assertTrue(told.getMessage().startsWith("NCCL ncclCommInitRank failed with " + status + ": " + words + "; "), told.getMessage());
        assertTrue(told.getMessage().contains(mend), told.getMessage());
    }

    @Test
    void wrongUsageIsADefect() {
        for (int status : new int[] {3, 4, 5}) {
            assertInstanceOf(NativeException.class, Nccl.failure(status, "ncclAllReduce", "invalid argument"));
        }
    }
}
