package org.longhaul.checkpoint;

import java.io.IOException;
import org.longhaul.model.Box;
import org.longhaul.tensor.DType;

/**
 * A box whose bytes come from elsewhere piece by piece, so that a checkpoint larger than memory can be converted.
 *
 * @param box which part of which named tensor
 * @param dtype element type of the bytes
 * @param source gives them, little-endian and in flat order, when the box's turn comes
 */
public record StreamedBox(Box box, DType dtype, Source source) {
    /** Gives a box's bytes. */
    public interface Source {
        /** Hands all bytes to {@code sink}. */
        void stream(Checkpoint.HostSink sink) throws IOException;
    }
}
