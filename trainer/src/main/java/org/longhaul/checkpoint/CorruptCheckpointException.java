package org.longhaul.checkpoint;

import java.io.IOException;

/** Stored bytes are not what was saved: a checksum differs, a file is cut short or gone. The message names file and byte range. */
public final class CorruptCheckpointException extends IOException {
    private static final long serialVersionUID = 1L;

    CorruptCheckpointException(String message) {
        super(message);
    }
}
