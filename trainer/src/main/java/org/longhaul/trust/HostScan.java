package org.longhaul.trust;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Tensor;

/** Brings a tensor of any size to the host piece by piece. */
final class HostScan {
    private static final int PIECE_BYTES = 1 << 26;

    private HostScan() {}

    /** Hands over the tensor's bytes in order; the buffer is native order and valid during the call only. */
    static void pieces(Backend backend, Tensor tensor, Consumer<ByteBuffer> reader) {
        long perPiece = PIECE_BYTES / tensor.dtype().bytes();
        ByteBuffer host = ByteBuffer.allocateDirect(Math.toIntExact(Math.min(PIECE_BYTES, Math.max(1, tensor.bytes()))))
                .order(ByteOrder.nativeOrder());
        for (long from = 0; from < tensor.elements(); from += perPiece) {
            Tensor piece = tensor.slice(from, Math.min(tensor.elements(), from + perPiece));
            host.clear().limit(Math.toIntExact(piece.bytes()));
            backend.download(host, piece);
            reader.accept(host);
        }
    }
}
