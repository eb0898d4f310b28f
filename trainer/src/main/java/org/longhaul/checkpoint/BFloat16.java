package org.longhaul.checkpoint;

/** bfloat16 on the host: the upper 16 bits of an IEEE single, rounded to nearest, ties to even. */
public final class BFloat16 {
    private BFloat16() {}

    /** The nearest bfloat16's bits; NaN stays NaN. */
    public static short fromFloat(float value) {
        int bits = Float.floatToRawIntBits(value);
        if ((bits & 0x7fffffff) > 0x7f800000) {
            return (short) (bits >>> 16 | 0x40);
        }
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }

    /** Exact. */
    public static float toFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }
}
