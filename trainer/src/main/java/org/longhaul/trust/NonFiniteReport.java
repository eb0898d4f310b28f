package org.longhaul.trust;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/**
 * Where values that are not finite lie, so that a run that stops on one names the layer and the tensor.
 *
 * @param tensor name of the buffer
 * @param count how many of its values are NaN or infinite
 * @param firstElement flat index of the first
 * @param elements how many values it has
 */
public record NonFiniteReport(String tensor, long count, long firstElement, long elements) {

    /** Reports for the tensors (F32 or BF16) that hold such values, in the given order. */
    public static List<NonFiniteReport> scan(Backend backend, List<Tensor> tensors) {
        List<NonFiniteReport> found = new ArrayList<>();
        HostScan scan = new HostScan(backend);
        for (Tensor tensor : tensors) {
            long[] state = {0, -1, 0};
            scan.pieces(tensor, bytes -> count(bytes, tensor.dtype(), state));
            if (state[0] > 0) {
                found.add(new NonFiniteReport(tensor.name(), state[0], state[1], tensor.elements()));
            }
        }
        return List.copyOf(found);
    }

    private static void count(ByteBuffer bytes, DType dtype, long[] state) {
        int step = dtype.bytes();
        // All exponent bits set is NaN or infinity, in both types.
        int mask = switch (dtype) {
            case F32 -> 0x7f800000;
            case BF16 -> 0x7f80;
            default -> throw new IllegalArgumentException("no such values in " + dtype);
        };
        for (int i = bytes.position(); i < bytes.limit(); i += step) {
            int bits = step == 4 ? bytes.getInt(i) : bytes.getShort(i);
            if ((bits & mask) == mask) {
                if (state[0]++ == 0) {
                    state[1] = state[2];
                }
            }
            state[2]++;
        }
    }

    @Override
    public String toString() {
        return tensor + ": " + count + " of " + elements + " values are not finite, the first at " + firstElement;
    }
}
