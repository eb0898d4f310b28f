package org.longhaul.natives;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.longhaul.ops.AttentionShape;

/** cuDNN checks graphs without a GPU; which engine runs them, and what comes out, is checked on one. */
class CudnnAttentionTest {
    @BeforeAll
    static void cudnn() {
        Assumptions.assumeTrue(NativeLibraries.find("cudnn").isPresent(), "needs libcudnn (set PYTORCH_LIBRARY_PATH to a CUDA PyTorch)");
    }

    @Test
    void graphsAreWellFormed() {
        for (AttentionShape s : new AttentionShape[] {
            new AttentionShape(4, 4096, 16, 16, 128), new AttentionShape(16, 2048, 12, 12, 64), new AttentionShape(2, 4096, 64, 8, 128),
            new AttentionShape(2, 129, 4, 1, 64)
        }) {
            for (AttentionGraphs.Documents documents : AttentionGraphs.Documents.values()) {
                List<AttentionGraphs.Built> graphs = new ArrayList<>(
                        List.of(AttentionGraphs.forward(s, documents), AttentionGraphs.backward(s, false, documents)));
                if (documents != AttentionGraphs.Documents.RUNS) {
                    graphs.add(AttentionGraphs.backward(s, true, documents));
                }
                for (AttentionGraphs.Built b : graphs) {
                    try (CudnnGraph g = b.graph()) {
                        assertNotEquals(0, g.graph(0, s.toString()));
                    }
                }
            }
        }
    }

    @Test
    void refusesWithItsMessage() {
        try (CudnnGraph g = new CudnnGraph()) {
            NativeException e = assertThrows(NativeException.class, () -> g.graph(0, "nothing"));
            assertEquals(true, e.getMessage().contains("nothing"), e.getMessage());
        }
    }
}
