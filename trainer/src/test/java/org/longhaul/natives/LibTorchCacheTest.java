package org.longhaul.natives;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/** Where libtorch keeps no GPU memory, asking for it is no error, and libtorch goes on. */
class LibTorchCacheTest {
    @Test
    void withoutAGpuNothingIsGivenBack() {
        try (CpuBackend backend = new CpuBackend(1)) {
            Arena arena = backend.allocate("test", 512);
            Tensor x = arena.tensor("x", 0, DType.F32, 4);
            Tensor sum = arena.tensor("sum", 256, DType.F32, 1);
            Host.put(backend, x, 1f, 2, 3, 4);
            LibTorchCache.release();
            backend.ops().sum(sum, x);
            assertEquals(10, Host.floats(backend, sum)[0]);
        }
    }
}
