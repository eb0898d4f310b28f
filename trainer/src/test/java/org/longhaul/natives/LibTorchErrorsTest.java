package org.longhaul.natives;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import org.junit.jupiter.api.Test;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/** Wrong calls end in an exception with libtorch's own words, whichever libtorch and whichever JNI is loaded. */
class LibTorchErrorsTest {
    @Test
    void dispatcherErrorsCarryTheReason() {
        try (CpuBackend backend = new CpuBackend()) {
            Arena arena = backend.allocate("test", 4096);
            Tensor a = arena.tensor("a", 0, DType.F32, 2, 3);
            Tensor b = arena.tensor("b", 256, DType.F32, 2, 4);
            try (Scope scope = Scope.on(a)) {
                Aten aten = new Aten(scope);
                NDArray x = scope.of(a);
                NDArray y = scope.of(b);
                NativeException e = assertThrows(NativeException.class, () -> aten.muli(x, y));
                assertTrue(e.getMessage().contains("mul_.Tensor of (2, 3) (2, 4)"), e.getMessage());
                assertTrue(e.getMessage().contains("must match the size of tensor b"), e.getMessage());
                assertEquals(1, e.getMessage().lines().count(), e.getMessage());
                NativeException m = assertThrows(NativeException.class, () -> aten.mm(x, x, y));
                assertTrue(m.getMessage().contains("shapes cannot be multiplied"), m.getMessage());
                // And the next call works.
                Host.put(backend, a, 1f, 2, 3, 4, 5, 6);
                aten.muli(x, x);
                assertArrayEquals(new float[] {1, 4, 9, 16, 25, 36}, Host.floats(backend, a));
            }
        }
    }

    @Test
    void jniErrorsAreJavaExceptions() {
        LibTorch.load();
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            NDArray a = manager.ones(new Shape(2, 3));
            NDArray b = manager.ones(new Shape(4, 5));
            EngineException e = assertThrows(EngineException.class, () -> a.add(b));
            assertTrue(e.getMessage().contains("must match the size of tensor b"), e.getMessage());
            assertThrows(EngineException.class, () -> a.matMul(b));
            assertThrows(EngineException.class, () -> a.reshape(7, 7));
            assertArrayEquals(new float[] {2, 2, 2, 2, 2, 2}, a.add(a).toFloatArray());
        }
    }

    /** What the engine's start, arrays' life and the oracles of the tests need of the natives. */
    @Test
    void theNativesWeRelyOn() {
        LibTorch.load();
        try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
            NDArray a = manager.create(new float[] {3, 1, 2, -1, 0, 5}, new Shape(2, 3));
            assertEquals(DataType.FLOAT32, a.getDataType());
            assertEquals(new Shape(2, 3), a.getShape());
            assertArrayEquals(new float[] {4, 5}, a.sum(new int[] {1}).add(manager.create(new float[] {-2, 1})).toFloatArray());
            assertArrayEquals(new float[] {3, 5}, a.max(new int[] {1}).toFloatArray());
            assertArrayEquals(new long[] {0, 2}, a.argMax(1).toLongArray());
            assertArrayEquals(new float[] {3, -1, 1, 0, 2, 5}, a.transpose().toFloatArray());
            assertArrayEquals(new float[] {1, 2, 0, 5}, a.get(":, 1:").toFloatArray());
            assertArrayEquals(new float[] {2, 5}, a.get(":, -1").toFloatArray());
            assertArrayEquals(new float[] {3, 1, 2, -1, 0, 5, 3, 1, 2, -1, 0, 5}, a.concat(a, 0).toFloatArray());
            assertEquals(2, a.split(2).size());
            assertArrayEquals(new double[] {3, 1, 2, -1, 0, 5}, a.toType(DataType.FLOAT64, true).toDoubleArray());
            assertArrayEquals(new int[] {3, 1, 2, -1, 0, 5}, a.toType(DataType.INT32, false).toIntArray());
            assertArrayEquals(new float[] {3, 3, 3, 0, 0, 5}, a.maximum(manager.create(new float[] {3, 3, 3, 0, 0, 0}, new Shape(2, 3)))
                    .toFloatArray());
            assertEquals(1, a.softmax(1).get(0).sum().getFloat(), 1e-6);
            assertTrue(a.toString().contains("FLOAT32") || a.toDebugString().contains("float32"), a.toString());
            NDList halves = new NDList(a.duplicate(), a.neg());
            assertArrayEquals(new float[6], halves.get(0).add(halves.get(1)).toFloatArray());
            a.set(new float[] {9, 9, 9, 9, 9, 9});
            assertArrayEquals(new float[] {9, 9, 9, 9, 9, 9}, a.toFloatArray());
        }
    }
}
