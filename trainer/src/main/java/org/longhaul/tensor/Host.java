package org.longhaul.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Values of small tensors to and from Java arrays; big ones go through {@link Backend#upload} in pieces. */
public final class Host {
    private Host() {}

    /** The values of an F32 or BF16 tensor, after all work enqueued so far. */
    public static float[] floats(Backend backend, Tensor tensor) {
        ByteBuffer bytes = direct(tensor);
        backend.download(bytes, tensor);
        bytes.clear();
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

    private static ByteBuffer direct(Tensor tensor) {
        return ByteBuffer.allocateDirect(Math.toIntExact(tensor.bytes())).order(ByteOrder.nativeOrder());
    }
}
