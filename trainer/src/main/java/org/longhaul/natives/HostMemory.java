package org.longhaul.natives;

import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.longhaul.tensor.Tensor;

/** The bytes of tensors that lie in this process's memory. */
public final class HostMemory {
    private HostMemory() {}

    /** Whether the tensor's bytes can be reached at all. */
    public static boolean holds(Tensor tensor) {
        return tensor.arena() instanceof EngineArena arena && arena.deviceType() == LibTorch.CPU;
    }

    /** A window on {@code count} elements from an element offset, native order; valid as long as the tensor's arena. */
    public static ByteBuffer window(Tensor tensor, long from, int count) {
        if (!holds(tensor)) {
            throw new IllegalArgumentException(tensor + " is not in host memory");
        }
        int bytes = tensor.dtype().bytes();
        if (from < 0 || from + count > tensor.elements()) {
            throw new IndexOutOfBoundsException(tensor + ": elements " + from + " to " + (from + count));
        }
        return new Pointer(tensor.address()).getByteBuffer(from * bytes, (long) count * bytes).order(ByteOrder.nativeOrder());
    }
}
