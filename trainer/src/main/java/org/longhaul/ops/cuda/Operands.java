package org.longhaul.ops.cuda;

import java.util.Arrays;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/** Checks of operands before a kernel sees them, and what decides its variant. */
final class Operands {
    private Operands() {}

    /** Throws an IllegalArgumentException naming the tensors unless the condition holds. */
    static void require(boolean condition, String what, Tensor... tensors) {
        if (!condition) {
            throw new IllegalArgumentException(what + " does not fit " + Arrays.toString(tensors));
        }
    }

    static void type(DType type, String what, Tensor... tensors) {
        for (Tensor t : tensors) {
            if (t != null && t.dtype() != type) {
                throw new IllegalArgumentException(what + " needs " + type + ", not " + t);
            }
        }
    }

    static void sameElements(String what, Tensor a, Tensor b) {
        require(a.elements() == b.elements(), what, a, b);
    }

    /** Whether all tensors (nulls aside) start at a multiple of 16 bytes. */
    static boolean aligned(Tensor... tensors) {
        long bits = 0;
        for (Tensor t : tensors) {
            if (t != null) {
                bits |= t.address();
            }
        }
        return (bits & 15) == 0;
    }

    static int flag(boolean value) {
        return value ? 1 : 0;
    }

    /** Rows of a tensor seen as a matrix [rows, last dimension]. */
    static long rows(Tensor t) {
        long width = t.size(-1);
        return width == 0 ? 0 : t.elements() / width;
    }

    /** Narrows a count that a kernel takes as int. */
    static int count(long n, String what) {
        if (n > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(what + " of " + n + " is more than a kernel takes; use smaller micro-batches");
        }
        return (int) n;
    }
}
