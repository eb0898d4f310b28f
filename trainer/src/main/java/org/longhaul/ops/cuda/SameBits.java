package org.longhaul.ops.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.longhaul.error.UserError;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Tensor;

/** Runs work twice and compares what it leaves bit by bit: what a library promises of fixed order is tried once on the real operands. */
final class SameBits {
    private static final int PIECE = 64 << 20;

    private SameBits() {}

    /** Throws UserError where the two results differ; leaves the second. */
    static void require(Backend backend, Tensor result, Runnable work, String what) {
        work.run();
        List<ByteBuffer> first = bytes(backend, result);
        work.run();
        List<ByteBuffer> second = bytes(backend, result);
        long at = 0;
        for (int i = 0; i < first.size(); i++) {
            int mismatch = first.get(i).mismatch(second.get(i));
            if (mismatch >= 0) {
                throw UserError.environment("device.deterministic: two runs of " + what + " on " + backend.name() + " differ from element "
                        + (at + mismatch) / result.dtype().bytes() + " on: this library has no kernel with a fixed order of sums for it; update it, or "
                        + "turn device.deterministic off");
            }
            at += first.get(i).capacity();
        }
    }

    private static List<ByteBuffer> bytes(Backend backend, Tensor t) {
        List<ByteBuffer> pieces = new ArrayList<>();
        long step = PIECE / t.dtype().bytes();
        for (long from = 0; from < t.elements(); from += step) {
            Tensor part = t.slice(from, Math.min(t.elements(), from + step));
            ByteBuffer bytes = ByteBuffer.allocateDirect((int) part.bytes()).order(ByteOrder.nativeOrder());
            backend.download(bytes, part);
            pieces.add(bytes.clear());
        }
        return pieces;
    }
}
