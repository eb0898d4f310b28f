package org.longhaul.data.read;

import java.io.IOException;

/** A file that could not be opened at all. */
final class UnreadableFileException extends IOException {
    private static final long serialVersionUID = 1L;

    UnreadableFileException(String message, Throwable cause) {
        super(message, cause);
    }
}
