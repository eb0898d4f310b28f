package org.longhaul.profile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.longhaul.natives.CpuBackend;
import org.longhaul.ops.AttentionShape;
import org.longhaul.ops.Ops;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/** Bytes by hand, from the table of docs/benchmarks/kernel-budget.md. */
class TrafficTest {
    private static final long T = 12;
    private static final long D = 8;

    private final CpuBackend backend = new CpuBackend(1);
    private final Arena arena = backend.allocate("test", 1 << 16);
    private long offset;

    private Tensor of(DType type, long... shape) {
        Tensor t = arena.tensor("t", offset, type, shape);
        offset += Arena.align(t.bytes());
        return t;
    }

    @AfterEach
    void close() {
        arena.close();
        backend.close();
    }

    @Test
    void adamWMovesThirtyBytesAParameter() {
        long p = 64;
        Tensor clip = of(DType.F32, 3);
        double bytes = Traffic.bytes("adamW", new Object[] {
            null, of(DType.F32, p), of(DType.F32, p), of(DType.F32, p), of(DType.F32, p), of(DType.BF16, p), clip
        });
        assertEquals(30 * p + clip.bytes(), bytes);
    }

    @Test
    void logitsAreReadAndBecomeTheirGradient() {
        Tensor logits = of(DType.BF16, 4, 100);
        Tensor loss = of(DType.F32, 4);
        Tensor targets = of(DType.I32, 4);
        Tensor scale = of(DType.F32, 1);
        Object[] arguments = {loss, logits, targets, scale, 0.0, -100, null};
        assertEquals(2 * logits.bytes() + loss.bytes() + targets.bytes() + 4, Traffic.bytes("crossEntropy", arguments));
        assertEquals(logits.bytes() + loss.bytes() + targets.bytes(), Traffic.bytes("crossEntropyLoss", new Object[] {loss, logits, targets, -100}));
    }

    @Test
    void rotationLeavesTheValuesAlone() {
        AttentionShape shape = new AttentionShape(2, 6, 4, 2, 2);
        Tensor qkv = of(DType.BF16, T, shape.qkvWidth());
        assertEquals(4 * T * (4 + 2) * 2, Traffic.bytes("rope", new Object[] {qkv, of(DType.F32, 6, 1), of(DType.F32, 6, 1), shape}));
    }

    @Test
    void theEmbeddingTouchesTheTokensRows() {
        Tensor table = of(DType.F32, 100, D);
        Tensor x = of(DType.BF16, T, D);
        Tensor ids = of(DType.I32, T);
        assertEquals(2 * T * D + 8 * T * D + 4 * T, Traffic.bytes("embeddingBackward", new Object[] {table, x, ids, 0L}));
        assertEquals(4 * T * D + 4 * T, Traffic.bytes("embedding", new Object[] {x, of(DType.BF16, 100, D), ids, 0L}));
    }

    @Test
    void everyNameIsAnOperation() {
        Set<String> names = Arrays.stream(Ops.class.getDeclaredMethods()).map(Method::getName).collect(Collectors.toSet());
        for (String name : new String[] {"rescaleSums", "rope", "crossEntropy", "crossEntropyFromStatistics", "embedding", "embeddingBackward", "adamW"}) {
            assertTrue(names.contains(name), name);
        }
    }
}
