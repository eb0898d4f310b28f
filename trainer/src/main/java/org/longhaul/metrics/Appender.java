package org.longhaul.metrics;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Appends to a file; what a full disk refuses is kept in memory and goes out, in order and whole, once there is room. */
final class Appender implements Closeable {
    private final FileChannel channel;
    private ByteArrayOutputStream pending = new ByteArrayOutputStream();

    Appender(Path file) throws IOException {
        channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    /** Takes bytes for the next {@link #flush}. */
    void append(byte[] bytes) {
        pending.writeBytes(bytes);
    }

    /** Writes what has been taken; when that fails the rest stays for the next call. */
    void flush() throws IOException {
        ByteBuffer rest = ByteBuffer.wrap(pending.toByteArray());
        try {
            while (rest.hasRemaining()) {
                channel.write(rest);
            }
        } finally {
            pending = new ByteArrayOutputStream();
            pending.write(rest.array(), rest.position(), rest.remaining());
        }
    }

    /** Writes the rest and closes. */
    @Override
    public void close() throws IOException {
        try {
            flush();
        } finally {
            channel.close();
        }
    }
}
