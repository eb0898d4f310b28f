package org.longhaul.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Values of small tensors to and from Java arrays; big ones go through {@link Backend#upload} in pieces. */
public final class Host {
    // Memory outside the heap comes back only with a collection, which a steady run seldom needs: small values go through one buffer a thread.
    private static final int KEPT_BYTES = 1 << 20;
    private static final ThreadLocal<ByteBuffer> KEPT = ThreadLocal.withInitial(() -> allocate(4096));

    private Host() {}

    /** The values of an F32 or BF16 tensor, after all work enqueued so far. */
    public static float[] floats(Backend backend, Tensor tensor) {
        ByteBuffer bytes = direct(tensor);
        backend.download(bytes, tensor);
        bytes.rewind();
        float[] values = new float[(int) tensor.elements()];
        switch (tensor.dtype()) {
            case F32 -> bytes.asFloatBuffer().get(values);
            case BF16 -> {
                for (int i = 0; i < values.length; i++) {
                    values[i] = toFloat(bytes.getShort(2 * i));
                }
            }
            default -> throw new IllegalArgumentException(tensor + " holds no floats");
        }
        return values;
    }

    /** Sets an F32 or BF16 tensor; BF16 is rounded to nearest even. */
    public static void put(Backend backend, Tensor tensor, float... values) {
        requireCount(tensor, values.length);
        ByteBuffer bytes = direct(tensor);
        switch (tensor.dtype()) {
            case F32 -> bytes.asFloatBuffer().put(values);
            case BF16 -> {
                for (int i = 0; i < values.length; i++) {
                    bytes.putShort(2 * i, bfloat16(values[i]));
                }
            }
            default -> throw new IllegalArgumentException(tensor + " holds no floats");
        }
        backend.upload(tensor, bytes);
    }

    /** Sets an I32 tensor. */
    public static void put(Backend backend, Tensor tensor, int... values) {
        if (tensor.dtype() != DType.I32) {
            throw new IllegalArgumentException(tensor + " holds no integers");
        }
        requireCount(tensor, values.length);
        ByteBuffer bytes = direct(tensor);
        bytes.asIntBuffer().put(values);
        backend.upload(tensor, bytes);
    }

    /** The value of a bfloat16's bits; exact. */
    public static float toFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /** The upper half of the float's bits, rounded to nearest even; NaN stays NaN. */
    public static short bfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) (bits >>> 16 | 0x40);
        }
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }

    private static void requireCount(Tensor tensor, int count) {
        if (tensor.elements() != count) {
            throw new IllegalArgumentException(tensor + " takes " + tensor.elements() + " values, not " + count);
        }
    }

    // As many bytes as the tensor has, the caller's until it calls again.
    private static ByteBuffer direct(Tensor tensor) {
        int bytes = Math.toIntExact(tensor.bytes());
        if (bytes > KEPT_BYTES) {
            return allocate(bytes);
        }
        if (KEPT.get().capacity() < bytes) {
            KEPT.set(allocate(Math.min(KEPT_BYTES, 2 * bytes)));
        }
        return KEPT.get().clear().limit(bytes);
    }

    private static ByteBuffer allocate(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }
}
