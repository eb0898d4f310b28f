package org.longhaul.ops.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.cuda.CudaSettings;
import org.longhaul.natives.CudaGraph;
import org.longhaul.natives.CudnnAttention;
import org.longhaul.ops.AttentionShape;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/** Both ways in which cuDNN keeps documents apart, against float64; small enough for the emulated machine. */
@Tag("gpu")
class CudnnDocumentsTest {
    private static final AttentionShape[] SHAPES = {
        new AttentionShape(2, 33, 2, 2, 16), new AttentionShape(1, 64, 4, 2, 64), new AttentionShape(3, 17, 4, 1, 16)
    };

    @ParameterizedTest
    @CsvSource({"false,false", "false,true", "true,false"})
    void likeFloat64(boolean runs, boolean ordered) {
        try (CudaBackend backend = new CudaBackend(CudaSettings.standard(0), CudaOps::new)) {
            long seed = 31;
            for (AttentionShape s : SHAPES) {
                for (int longest : new int[] {1, 3, 40}) {
                    try (Workbench b = new Workbench(backend, seed++)) {
                        MatrixChecks.documents(b, runs, ordered, s, longest);
                    }
                }
            }
        }
    }

    /** One recorded graph, run after run with other documents. */
    @Test
    void aGraphReadsWhatIsThereNow() {
        AttentionShape s = SHAPES[1];
        try (CudaBackend backend = new CudaBackend(CudaSettings.standard(0), CudaOps::new); Workbench b = new Workbench(backend, 5);
                CudnnAttention cudnn = new CudnnAttention(backend.device(), backend.computeStream(), false)) {
            Tensor qkv = b.normal("qkv", DType.BF16, 1, s.tokens(), s.qkvWidth());
            Tensor out = b.poisoned("out", DType.BF16, s.tokens(), s.outWidth());
            Tensor lse = b.poisoned("lse", DType.F32, s.batch(), s.heads(), s.sequence());
            for (boolean runs : new boolean[] {false, true}) {
                Tensor documents = b.ints("documents", starts(s, 0));
                Runnable work = () -> cudnn.forward(out, lse, qkv, documents, runs, s);
                work.run();
                try (CudaGraph graph = backend.capture("attention", work)) {
                    for (int seed = 1; seed < 4; seed++) {
                        Host.put(backend, documents, starts(s, seed));
                        graph.launch(backend.computeStream());
                        float[] recorded = Host.floats(backend, out);
                        work.run();
                        assertArrayEquals(Host.floats(backend, out), recorded, "seed " + seed);
                    }
                }
            }
        }
    }

    private static int[] starts(AttentionShape s, int seed) {
        return DocumentStarts.index(s, DocumentStarts.random(new Random(seed), s.batch(), s.sequence(), 20));
    }
}
