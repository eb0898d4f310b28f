package org.longhaul.ops.cuda;

import java.io.Closeable;
import java.util.Optional;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.error.UserError;
import org.longhaul.natives.CudaStream;
import org.longhaul.natives.CudnnAttention;
import org.longhaul.natives.Gemm;
import org.longhaul.ops.AttentionShape;
import org.longhaul.ops.Ops;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/**
 * The operations on a GPU: fused kernels compiled for it, matrix products by cuBLASLt, attention by the fastest kernels at hand.
 * All work goes to the backend's compute stream and may be captured into a CUDA graph once it has run eagerly.
 */
public final class CudaOps extends KernelOps implements Closeable {
    private static final int FIRST_WITH_FP8 = 89;

    private final GpuKernels kernels;
    private final CudaStream stream;
    private final Gemm gemm;
    private final AttentionKernels attention;
    private final CudaBackend backend;
    private Fp8Ops fp8;

    /** For {@code new CudaBackend(settings, CudaOps::new)}. */
    public CudaOps(CudaBackend backend) {
        this(backend, new GpuKernels(backend));
    }

    private CudaOps(CudaBackend backend, GpuKernels kernels) {
        super(kernels);
        this.backend = backend;
        this.kernels = kernels;
        this.stream = backend.computeStream();
        this.gemm = new Gemm(backend.device(), backend.settings().gemmWorkspace(), backend.settings().deterministic(),
                backend.settings().cache().resolve("gemm"), !backend.settings().shared());
        this.attention = new AttentionKernels(backend, ropeKernels());
    }

    @Override
    public void linear(Tensor y, Tensor x, Tensor w) {
        layer("linear", y, x, w);
        gemm.multiply(stream, y, x, false, w, true, 1, 0);
    }

    @Override
    public void linear(Tensor y, Tensor x, Tensor w, Tensor residual) {
        layer("linear", y, x, w);
        Operands.sameElements("linear with a residual", y, residual);
        gemm.multiplyAdd(stream, y, residual, x, w);
    }

    @Override
    public void linearBackwardInput(Tensor dx, Tensor dy, Tensor w, boolean accumulate) {
        layer("linearBackwardInput", dy, dx, w);
        gemm.multiply(stream, dx, dy, false, w, false, 1, accumulate ? 1 : 0);
    }

    @Override
    public void linearBackwardWeight(Tensor dw, Tensor dy, Tensor x, boolean accumulate) {
        layer("linearBackwardWeight", dy, x, dw);
        Operands.type(DType.F32, "linearBackwardWeight", dw);
        gemm.multiply(stream, dw, dy, true, x, false, 1, accumulate ? 1 : 0);
    }

    private static void layer(String what, Tensor y, Tensor x, Tensor w) {
        Operands.require(y.rank() == 2 && x.rank() == 2 && w.rank() == 2 && y.size(0) == x.size(0) && y.size(1) == w.size(0)
                && x.size(1) == w.size(1), what, y, x, w);
    }

    @Override
    public void attention(Tensor out, Tensor lse, Tensor qkv, Tensor documents, AttentionShape shape) {
        attention.forward(out, lse, qkv, documents, shape);
    }

    @Override
    public void attentionBackward(
            Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse, Tensor cos, Tensor sin, Tensor documents, AttentionShape shape) {
        attention.backward(dqkv, dout, qkv, out, lse, cos, sin, documents, shape);
    }

    @Override
    public Ops inFp8() {
        if (backend.device().major() * 10 + backend.device().minor() < FIRST_WITH_FP8 || backend.computeType() != DType.BF16) {
            throw UserError.environment("8-bit floats need a GPU of compute capability 8.9 or higher and bf16 activations; "
                    + backend.device().name() + " has " + backend.device().major() + "." + backend.device().minor()
                    + ": leave fp8 off");
        }
        if (fp8 == null) {
            fp8 = new Fp8Ops(backend, this, fp8Kernels(), (d, c, a, scaleA, b, scaleB) ->
                    gemm.multiplyScaled(stream, d, c, a, scaleA, b, scaleB, false, c == null ? 0 : 1));
        }
        return fp8;
    }

    @Override
    public Optional<String> hindersRecording() {
        return attention.hindersRecording();
    }

    /** Quantisation kernels; compiled when first asked for, because older GPUs have no 8-bit floats. */
    Fp8Kernels fp8Kernels() {
        return new Fp8Kernels(kernels, reduceKernels());
    }

    /** As {@link GpuKernels#grids}. */
    void grids(int multiprocessors) {
        kernels.grids(multiprocessors);
    }

    /** Matrix products and attention: what was chosen for each shape used so far. */
    public String report() {
        return gemm.report() + attention.report();
    }

    /**
     * Device memory that the operations hold besides arenas, for plans: kernels' scratch, the matrix products' workspace, and the
     * attention's.
     *
     * @param documents whether attention is kept within documents
     * @param embeddingWidth of the table whose gradient is added to on this GPU, 0 for none
     */
    public static long plannedBytes(long gemmWorkspace, AttentionShape attention, boolean deterministic, boolean documents, long embeddingWidth) {
        long embedding = embeddingWidth == 0 ? 0 : EmbeddingKernels.plannedScratch(attention.tokens(), embeddingWidth);
        return GpuKernels.plannedScratch(embedding) + gemmWorkspace + CudnnAttention.scratchBytes(attention, deterministic, documents);
    }

    /** The same for 8-bit layers: copies of {@code weights} elements in both layouts and the scratch of the largest layer [n,k]. */
    public static long plannedFp8Bytes(long weights, long tokens, long n, long k) {
        return 2 * weights + Arena.align(2 * tokens * n + tokens * k);
    }

    @Override
    public void close() {
        if (fp8 != null) {
            fp8.close();
        }
        attention.close();
        gemm.close();
        kernels.close();
    }
}
