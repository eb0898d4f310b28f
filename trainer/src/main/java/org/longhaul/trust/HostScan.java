package org.longhaul.trust;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Tensor;

/**
 * Brings tensors of any size to the host piece by piece, through one buffer: memory outside the heap comes back only with a collection, which a
 * steady run seldom needs.
 */
final class HostScan {
    private static final int PIECE_BYTES = 1 << 24;

    private final Backend backend;
    private ByteBuffer host = ByteBuffer.allocateDirect(0);

    HostScan(Backend backend) {
        this.backend = backend;
    }

    /** Hands over the tensor's bytes in order; the buffer is native order and valid during the call only. */
    void pieces(Tensor tensor, Consumer<ByteBuffer> reader) {
        long perPiece = PIECE_BYTES / tensor.dtype().bytes();
        int most = Math.toIntExact(Math.min(PIECE_BYTES, tensor.bytes()));
        if (host.capacity() < most) {
            host = ByteBuffer.allocateDirect(most).order(ByteOrder.nativeOrder());
        }
        for (long from = 0; from < tensor.elements(); from += perPiece) {
            Tensor piece = tensor.slice(from, Math.min(tensor.elements(), from + perPiece));
            host.clear().limit(Math.toIntExact(piece.bytes()));
            backend.download(host, piece);
            reader.accept(host.rewind());
        }
    }
}
