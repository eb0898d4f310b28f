package org.longhaul.natives;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import org.longhaul.ops.AttentionShape;
import org.longhaul.tensor.Tensor;

/**
 * Causal attention by the kernels that libtorch brings, on strided views of the packed qkv[T,Q] buffer: neither queries nor
 * keys nor values are copied, and fewer key/value heads need no repetition. Work goes to libtorch's current stream; results that libtorch
 * allocates itself come from its caching allocator and go back to it, in stream order. Not for several threads at once.
 */
public final class FusedAttention implements AutoCloseable {
    /** Whose kernels. */
    public enum Kind {
        /** cuDNN's, the fastest on Hopper. */
        CUDNN,
        /** FlashAttention 2 as built into PyTorch. */
        FLASH
    }

    private static final int RESULTS = 9;

    private final Kind kind;
    private final int device;
    // Nine result slots, then sizes and strides for views.
    private final Memory results = new Memory((long) RESULTS * Long.BYTES);
    private final Memory geometry = new Memory(8L * Long.BYTES);
    private final long slots = Pointer.nativeValue(results);
    private final Gradients gradients = new Gradients();
    private final long undefined;
    private final long seed;

    /** Attention on one GPU, whose libtorch stream is already set on this thread. */
    public FusedAttention(Kind kind, int device) {
        this.kind = kind;
        this.device = device;
        LibTorchCuda.require();
        check(LibTorch.aoti_torch_new_uninitialized_tensor(slots), "undefined tensor");
        this.undefined = results.getLong(0);
        long[] one = {1};
        geometry.write(0, one, 0, 1);
        long at = Pointer.nativeValue(geometry);
        // Dropout is 0, so the random state is never read; cuDNN still wants an address.
        check(LibTorch.aoti_torch_empty_strided(1, at, at, LibTorch.aoti_torch_dtype_int64(), LibTorch.CUDA, device, slots), "seed");
        this.seed = results.getLong(0);
        check(LibTorch.aoti_torch_zero_(seed), "seed");
    }

    /** Whose kernels these are. */
    public Kind kind() {
        return kind;
    }

    /** out[T,H·headDim] and lse[B,H,S] (F32, natural log) from rotated qkv[T,Q]. */
    public void forward(Tensor out, Tensor lse, Tensor qkv, AttentionShape s) {
        long q = queries(qkv, s);
        long k = keys(qkv, s);
        long v = values(qkv, s);
        try {
            results.clear();
            LibTorch.run(kind + " attention of " + s, () -> kind == Kind.CUDNN
                    ? LibTorchCuda.aoti_torch_cuda__scaled_dot_product_cudnn_attention(
                            q, k, v, 0, 1, 0, 1, 0, 0, slots, slots + 8, slots + 16, slots + 24, slots + 32, slots + 40, slots + 48,
                            slots + 56, slots + 64)
                    : LibTorchCuda.aoti_torch_cuda__scaled_dot_product_flash_attention(
                            q, k, v, 0, 1, 0, 0, slots, slots + 8, slots + 16, slots + 24, slots + 32, slots + 40, slots + 48, slots + 56,
                            slots + 64));
            long outView = output(out, s);
            long lseView = view(lse, 0, s.batch(), s.heads(), s.sequence(), 1, (long) s.heads() * s.sequence(), s.sequence(), 1, 1);
            try {
                check(LibTorch.aoti_torch_copy_(outView, results.getLong(0), 1), "copy of the attention output");
                long logSumExp = asLogSumExp(results.getLong(8), s);
                try {
                    check(LibTorch.aoti_torch_copy_(lseView, logSumExp, 1), "copy of the attention's log-sum-exp");
                } finally {
                    delete(logSumExp);
                }
            } finally {
                delete(outView);
                delete(lseView);
            }
        } finally {
            for (int i : new int[] {0, 1, 2, 3, 6, 7, 8}) {
                delete(results.getLong(8L * i));
            }
            results.clear();
            delete(q);
            delete(k);
            delete(v);
        }
    }

    /**
     * Gradients with respect to rotated queries, keys and values, from dout[T,H·headDim] and what the forward kept. The answer is
     * one object used again and again: read it, enqueue what reads the memory, {@link Gradients#release} it.
     */
    public Gradients backward(Tensor dout, Tensor qkv, Tensor out, Tensor lse, AttentionShape s) {
        gradients.release();
        long q = queries(qkv, s);
        long k = keys(qkv, s);
        long v = values(qkv, s);
        long o = output(out, s);
        long g = output(dout, s);
        long l = kind == Kind.CUDNN
                ? view(lse, 0, s.batch(), s.heads(), s.sequence(), 1, (long) s.heads() * s.sequence(), s.sequence(), 1, 1)
                : view3(lse, s.batch(), s.heads(), s.sequence());
        try {
            results.clear();
            LibTorch.run(kind + " attention backward of " + s, () -> kind == Kind.CUDNN
                    ? LibTorchCuda.aoti_torch_cuda__scaled_dot_product_cudnn_attention_backward(
                            g, q, k, v, o, l, seed, seed, undefined, undefined, undefined, s.sequence(), s.sequence(), 0, 1, 0, slots,
                            slots + 8, slots + 16)
                    : LibTorchCuda.aoti_torch_cuda__scaled_dot_product_flash_attention_backward(
                            g, q, k, v, o, l, undefined, undefined, s.sequence(), s.sequence(), 0, 1, seed, seed, 0, slots, slots + 8,
                            slots + 16));
            gradients.hold(results.getLong(0), results.getLong(8), results.getLong(16));
            return gradients;
        } finally {
            for (long handle : new long[] {q, k, v, o, g, l}) {
                delete(handle);
            }
        }
    }

    private long queries(Tensor qkv, AttentionShape s) {
        return heads(qkv, 0, s.heads(), s);
    }

    private long keys(Tensor qkv, AttentionShape s) {
        return heads(qkv, s.outWidth(), s.kvHeads(), s);
    }

    private long values(Tensor qkv, AttentionShape s) {
        return heads(qkv, s.outWidth() + (long) s.kvHeads() * s.headDim(), s.kvHeads(), s);
    }

    private long heads(Tensor qkv, long column, int heads, AttentionShape s) {
        long width = s.qkvWidth();
        return view(qkv, column, s.batch(), heads, s.sequence(), s.headDim(), s.sequence() * width, s.headDim(), width, 1);
    }

    private long output(Tensor out, AttentionShape s) {
        long width = s.outWidth();
        return view(out, 0, s.batch(), s.heads(), s.sequence(), s.headDim(), s.sequence() * width, s.headDim(), width, 1);
    }

    private long view(Tensor t, long offset, long a, long b, long c, long d, long sa, long sb, long sc, long sd) {
        geometry.setLong(0, a);
        geometry.setLong(8, b);
        geometry.setLong(16, c);
        geometry.setLong(24, d);
        geometry.setLong(32, sa);
        geometry.setLong(40, sb);
        geometry.setLong(48, sc);
        geometry.setLong(56, sd);
        return blob(t, offset, 4, 32);
    }

    private long view3(Tensor t, long a, long b, long c) {
        geometry.setLong(0, a);
        geometry.setLong(8, b);
        geometry.setLong(16, c);
        geometry.setLong(24, b * c);
        geometry.setLong(32, c);
        geometry.setLong(40, 1);
        return blob(t, 0, 3, 24);
    }

    private long blob(Tensor t, long offset, int dimensions, int stridesAt) {
        long at = Pointer.nativeValue(geometry);
        long handleAt = Pointer.nativeValue(LibTorch.out());
        check(LibTorch.aoti_torch_create_tensor_from_blob(
                        t.address() + offset * t.dtype().bytes(), dimensions, at, at + stridesAt, 0, Scope.code(t.dtype()), LibTorch.CUDA,
                        device, handleAt),
                t.toString());
        return LibTorch.out().getLong(0);
    }

    /** cuDNN's answer has a fourth dimension of 1, FlashAttention's has three: both are B·H·S floats in order. */
    private long asLogSumExp(long handle, AttentionShape s) {
        geometry.setLong(0, s.batch());
        geometry.setLong(8, s.heads());
        geometry.setLong(16, s.sequence());
        geometry.setLong(24, 1);
        geometry.setLong(32, (long) s.heads() * s.sequence());
        geometry.setLong(40, s.sequence());
        geometry.setLong(48, 1);
        geometry.setLong(56, 1);
        long at = Pointer.nativeValue(geometry);
        check(LibTorch.aoti_torch__reinterpret_tensor(handle, 4, at, at + 32, 0, Pointer.nativeValue(LibTorch.out())), "log-sum-exp");
        return LibTorch.out().getLong(0);
    }

    private static void check(int status, String what) {
        LibTorch.check(status, what);
    }

    private static void delete(long handle) {
        if (handle != 0) {
            check(LibTorch.aoti_torch_delete_tensor_object(handle), "delete");
        }
    }

    @Override
    public void close() {
        gradients.release();
        delete(undefined);
        delete(seed);
    }

    /** Where libtorch put dq, dk and dv; strides in elements for batch, head, position (the last dimension is dense). */
    public static final class Gradients {
        private final long[] handles = new long[3];
        private final long[] addresses = new long[3];
        private final long[] strides = new long[9];

        private Gradients() {}

        private void hold(long q, long k, long v) {
            handles[0] = q;
            handles[1] = k;
            handles[2] = v;
            Memory out = LibTorch.out();
            long at = Pointer.nativeValue(out);
            for (int i = 0; i < 3; i++) {
                check(LibTorch.aoti_torch_get_data_ptr(handles[i], at), "address of a gradient");
                addresses[i] = out.getLong(0);
                for (int d = 0; d < 3; d++) {
                    check(LibTorch.aoti_torch_get_stride(handles[i], d, at), "stride of a gradient");
                    strides[3 * i + d] = out.getLong(0);
                }
                check(LibTorch.aoti_torch_get_stride(handles[i], 3, at), "stride of a gradient");
                if (out.getLong(0) != 1) {
                    throw new IllegalStateException("an attention gradient is not dense within a head");
                }
            }
        }

        /** Device address of gradient 0 (queries), 1 (keys) or 2 (values). */
        public long address(int which) {
            return addresses[which];
        }

        /** Elements from one sequence to the next. */
        public long batchStride(int which) {
            return strides[3 * which];
        }

        /** Elements from one head to the next. */
        public long headStride(int which) {
            return strides[3 * which + 1];
        }

        /** Elements from one position to the next. */
        public long positionStride(int which) {
            return strides[3 * which + 2];
        }

        /** Gives the memory back to libtorch, which uses it again only after the work enqueued so far on its stream. */
        public void release() {
            for (int i = 0; i < 3; i++) {
                delete(handles[i]);
                handles[i] = 0;
                addresses[i] = 0;
            }
        }
    }
}
