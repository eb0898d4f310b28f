package org.longhaul.tensor;

/** Element types of tensors in device memory. */
public enum DType {
    /** IEEE single precision. */
    F32(4),
    /** bfloat16: the upper half of an IEEE single. */
    BF16(2),
    /** 8-bit float, 4 exponent and 3 mantissa bits, no infinity. */
    F8_E4M3(1),
    /** 8-bit float, 5 exponent and 2 mantissa bits. */
    F8_E5M2(1),
    /** Signed 32-bit integer. */
    I32(4),
    /** Signed 64-bit integer. */
    I64(8),
    /** Raw bytes. */
    U8(1);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /** Size of one element in bytes. */
    public int bytes() {
        return bytes;
    }
}
