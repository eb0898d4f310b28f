package org.longhaul.ops.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.longhaul.error.UserError;
import org.longhaul.natives.CpuBackend;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

class SameBitsTest {
    @Test
    void workThatDiffersIsRefusedAndNamed() {
        try (CpuBackend backend = new CpuBackend(1)) {
            Arena arena = backend.allocate("test", 1024);
            Tensor t = arena.tensor("t", 0, DType.F32, 10);
            int[] runs = {0};
            SameBits.require(backend, t, () -> Host.put(backend, t, new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9, ++runs[0] > 0 ? 1 : 0}), "steady");
            assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 1}, Host.floats(backend, t));
            UserError e = assertThrows(UserError.class, () -> SameBits.require(
                    backend, t, () -> Host.put(backend, t, new float[] {1, 2, 3, 4, 5, 6, 7, ++runs[0], 9, 10}), "unsteady work"));
            assertTrue(e.getMessage().contains("two runs of unsteady work on cpu differ from element 7 on"), e.getMessage());
        }
    }
}
