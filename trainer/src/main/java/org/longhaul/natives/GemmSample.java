package org.longhaul.natives;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;

/** A few stripes of a product's result, to see whether one algorithm gives what another gave. */
final class GemmSample implements AutoCloseable {
    private static final int STRIPES = 5;
    private static final long STRIPE_BYTES = 8192;
    /** Algorithms differ in the order of their sums and, with split sums in bf16, in one more rounding; a wrong one differs by more. */
    private static final double MOST_DIFFERENCE = 0.03;

    private final CudaStream stream;
    private final long address;
    private final long bytes;
    private final DType type;
    private final long stripe;
    private final Memory host;
    private float[] reference;

    GemmSample(CudaStream stream, long address, long bytes, DType type) {
        this.stream = stream;
        this.address = address;
        this.bytes = bytes;
        this.type = type;
        this.stripe = Math.min(STRIPE_BYTES, bytes);
        this.host = new Memory(stripe * STRIPES);
    }

    /** Sets the result to zeros where it is added to, else to values that no product has. */
    void prepare(boolean zero) {
        stream.fill(address, zero ? 0 : 0xff, bytes);
    }

    /** Whether the result is that of the first call, which decides. */
    boolean agrees() {
        long step = (bytes - stripe) / (STRIPES - 1) / type.bytes() * type.bytes();
        for (int i = 0; i < STRIPES; i++) {
            stream.copyToHost(Pointer.nativeValue(host) + i * stripe, address + i * step, stripe);
        }
        stream.synchronize();
        float[] values = new float[(int) (stripe * STRIPES / type.bytes())];
        for (int i = 0; i < values.length; i++) {
            values[i] = type == DType.F32 ? host.getFloat(4L * i) : Host.toFloat(host.getShort(2L * i));
        }
        if (reference == null) {
            reference = values;
            return true;
        }
        double difference = 0;
        double size = 0;
        for (int i = 0; i < values.length; i++) {
            difference += Math.pow(values[i] - reference[i], 2);
            size += Math.pow(reference[i], 2);
        }
        return Math.sqrt(difference) <= MOST_DIFFERENCE * Math.sqrt(size);
    }

    @Override
    public void close() {
        host.close();
    }
}
