package org.longhaul.ops.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.longhaul.tensor.DType;

/** Every operation on a GPU against float64, all sizes; {@link KernelCheck} is the same with timings. */
@Tag("gpu")
class CudaOpsTest {
    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"BF16", "F32"})
    void everyOperation(DType compute) {
        assertEquals(List.of(), KernelCheck.failures(compute, System.nanoTime()));
    }
}
