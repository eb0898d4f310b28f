package org.longhaul.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

class HostTest {
    private final HostBackend backend = new HostBackend();

    @Test
    void valuesOfEverySizeComeBack() {
        for (int n : new int[] {1, 3, 1000, 2, 1025, 262_144, 262_145, 7}) {
            float[] values = new float[n];
            for (int i = 0; i < n; i++) {
                values[i] = (i * 37 + n) % 251 - 100;
            }
            for (DType type : new DType[] {DType.F32, DType.BF16}) {
                Tensor tensor = tensor(type, n);
                Host.put(backend, tensor, values);
                // What another call leaves behind is not seen.
                Host.put(backend, tensor(DType.F32, 500), new float[500]);
                assertArrayEquals(values, Host.floats(backend, tensor), type + " of " + n);
            }
        }
    }

    @Test
    void tooFewOrTooManyValuesAreRefused() {
        Host.put(backend, tensor(DType.F32, 64), new float[64]);
        assertThrows(IllegalArgumentException.class, () -> Host.put(backend, tensor(DType.F32, 4), new float[5]));
        assertThrows(IllegalArgumentException.class, () -> Host.put(backend, tensor(DType.BF16, 4), new float[3]));
        assertThrows(IllegalArgumentException.class, () -> Host.put(backend, tensor(DType.I32, 4), 1, 2, 3));
    }

    /** Looks at results and validations go on for months. */
    @Test
    void smallValuesTakeNoFurtherMemoryOutsideTheHeap() {
        Tensor tensor = tensor(DType.F32, 8192);
        Host.floats(backend, tensor);
        long before = outsideTheHeap();
        for (int i = 0; i < 2000; i++) {
            Host.put(backend, tensor, Host.floats(backend, tensor));
        }
        long taken = outsideTheHeap() - before;
        assertTrue(taken <= 1 << 20, () -> taken + " bytes");
    }

    private Tensor tensor(DType type, int elements) {
        return backend.allocate("values", (long) elements * type.bytes()).tensor("values", 0, type, elements);
    }

    private static long outsideTheHeap() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream().filter(p -> p.getName().equals("direct")).findFirst().orElseThrow()
                .getMemoryUsed();
    }
}
