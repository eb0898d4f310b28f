package org.longhaul.natives;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.util.SplittableRandom;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;

/** Fills device memory with normal random values: one block from the host, then doubled on the device. */
final class RandomOperand {
    private static final int BLOCK_BYTES = 1 << 20;

    private RandomOperand() {}

    static void fill(CudaStream stream, long address, long bytes, DType type) {
        long block = Math.min(BLOCK_BYTES, bytes);
        try (Memory values = new Memory(BLOCK_BYTES)) {
            write(values, type);
            stream.copyToDevice(address, Pointer.nativeValue(values), block);
            stream.synchronize();
        }
        for (long done = block; done < bytes; done *= 2) {
            stream.copyDevice(address + done, address, Math.min(done, bytes - done));
        }
    }

    private static void write(Memory values, DType type) {
        SplittableRandom random = new SplittableRandom(1);
        int n = BLOCK_BYTES / type.bytes();
        for (int i = 0; i < n; i++) {
            float x = (float) random.nextGaussian();
            switch (type) {
                case F32 -> values.setFloat(4L * i, x);
                case BF16 -> values.setShort(2L * i, Host.bfloat16(x));
                // A sign and a magnitude whose exponent is neither that of NaN nor of zero.
                case F8_E4M3, F8_E5M2 -> values.setByte(i, (byte) (random.nextInt(2) << 7 | 0x28 + random.nextInt(0x20)));
                case I32, I64, U8 -> throw new IllegalArgumentException("matrix operands of " + type);
            }
        }
    }
}
