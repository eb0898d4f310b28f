package org.longhaul.ops.cuda;

import static org.longhaul.ops.cuda.Operands.aligned;

import org.longhaul.ops.AttentionShape;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/** Rotary embedding in place and its mirror, which also gathers the attention backend's gradients into one packed tensor. */
final class RopeKernels {
    private static final int THREADS = 256;
    private static final int VECTOR = 8;
    /** Heads one thread walks, so that the angles are read once for them. */
    private static final int HEADS_PER_THREAD = 4;

    private final DType compute;
    private final Kernel rotateVector;
    private final Kernel rotateScalar;
    private final Kernel packVector;
    private final Kernel packScalar;

    RopeKernels(KernelProvider provider) {
        compute = provider.computeType();
        rotateVector = provider.kernel("rope", "rope_8");
        rotateScalar = provider.kernel("rope", "rope_1");
        packVector = provider.kernel("rope", "rope_backward_pack_8");
        packScalar = provider.kernel("rope", "rope_backward_pack_1");
    }

    /**
     * Where a backend left the gradient of one kind of head, in elements; the elements of a head are contiguous.
     *
     * @param address of the first element
     * @param sequence from one sequence of the micro-batch to the next
     * @param position from one position to the next
     * @param head from one head to the next
     */
    record Strided(long address, long sequence, long position, long head) {}

    /** Rotates queries and keys, or turns them back (gradients that lie in the packed tensor already). */
    void rotate(Tensor qkv, Tensor cos, Tensor sin, AttentionShape shape, boolean back) {
        check(qkv, cos, sin, shape);
        int heads = shape.heads() + shape.kvHeads();
        boolean vector = vector(shape, cos, sin) && aligned(qkv);
        int groups = (heads + HEADS_PER_THREAD - 1) / HEADS_PER_THREAD;
        int chunks = shape.headDim() / 2 / (vector ? VECTOR : 1);
        (vector ? rotateVector : rotateScalar).pointer(qkv).pointer(cos).pointer(sin).float32(back ? -1f : 1f)
                .int32((int) shape.tokens()).int32(shape.sequence()).int32(heads).int32(shape.headDim()).int64(shape.qkvWidth())
                .int32(groups).cover(threads(shape, groups, chunks), THREADS);
    }

    /**
     * dq, dk, dv into dqkv with the rotation undone.
     *
     * @param expanded whether dk and dv have one slice per query head, to be added over each group
     */
    void backwardPack(
            Tensor dqkv, Strided dq, Strided dk, Strided dv, Tensor cos, Tensor sin, AttentionShape shape, boolean expanded) {
        check(dqkv, cos, sin, shape);
        int all = shape.heads() + 2 * shape.kvHeads();
        long bits = 0;
        for (Strided s : new Strided[] {dq, dk, dv}) {
            bits |= s.address | 2 * (s.sequence | s.position | s.head);
        }
        boolean vector = vector(shape, cos, sin) && aligned(dqkv) && (bits & 15) == 0;
        int groups = (all + HEADS_PER_THREAD - 1) / HEADS_PER_THREAD;
        int chunks = shape.headDim() / 2 / (vector ? VECTOR : 1);
        Kernel k = vector ? packVector : packScalar;
        k.pointer(dqkv).pointer(dq.address).pointer(dk.address).pointer(dv.address);
        k.int64(dq.sequence).int64(dq.position).int64(dq.head);
        k.int64(dk.sequence).int64(dk.position).int64(dk.head);
        k.int64(dv.sequence).int64(dv.position).int64(dv.head);
        k.pointer(cos).pointer(sin).int32((int) shape.tokens()).int32(shape.sequence()).int32(shape.heads()).int32(shape.kvHeads())
                .int32(shape.headDim()).int32(expanded ? shape.heads() / shape.kvHeads() : 1).int32(groups)
                .cover(threads(shape, groups, chunks), THREADS);
    }

    private void check(Tensor qkv, Tensor cos, Tensor sin, AttentionShape shape) {
        Operands.require(qkv.elements() == shape.tokens() * shape.qkvWidth(), "rope of " + shape, qkv);
        long half = shape.headDim() / 2;
        Operands.require(cos.elements() >= shape.sequence() * half && sin.elements() >= shape.sequence() * half
                && cos.size(-1) == half && sin.size(-1) == half, "angles of rope of " + shape, cos, sin);
        Operands.type(compute, "rope", qkv);
        Operands.type(DType.F32, "rope", cos, sin);
    }

    private static boolean vector(AttentionShape shape, Tensor cos, Tensor sin) {
        return shape.headDim() % (2 * VECTOR) == 0 && aligned(cos, sin);
    }

    // The kernels index threads in 32 bits.
    private static long threads(AttentionShape shape, int groups, int chunks) {
        return Operands.count(shape.tokens() * groups * chunks, "rope threads");
    }
}
