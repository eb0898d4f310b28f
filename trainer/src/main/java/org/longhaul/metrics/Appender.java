package org.longhaul.metrics;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Arrays;

/**
 * Appends to a file; what a full disk or a lost file server refuses is kept in memory and goes out, in order and whole, once there is room. A file that was
 * open when its server or mount went is of no use any more: it is opened again, and what was taken from us but did not arrive is written again.
 */
final class Appender implements Closeable {
    private static final int REMEMBERED = 64 << 10;

    private final Place place;
    // Null after a fault.
    private WritableByteChannel channel;
    private ByteArrayOutputStream recent = new ByteArrayOutputStream();
    private ByteArrayOutputStream pending = new ByteArrayOutputStream();

    /** Where the bytes go. */
    interface Place {
        /** Opens for appending. */
        WritableByteChannel open() throws IOException;

        /** The last bytes there, so many at most. */
        byte[] tail(int most) throws IOException;
    }

    Appender(Path file) throws IOException {
        this(new Place() {
            @Override
            public WritableByteChannel open() throws IOException {
                return FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            }

            @Override
            public byte[] tail(int most) throws IOException {
                // What a network file system answers to this has the size that the server knows; what it remembers may lack what arrived last.
                Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
                try (SeekableByteChannel in = Files.newByteChannel(file)) {
                    in.position(Math.max(0, in.size() - most));
                    ByteBuffer bytes = ByteBuffer.allocate(most);
                    // To the end, not to the size: a client may remember one that the server never had.
                    while (bytes.hasRemaining() && in.read(bytes) >= 0) {
                        continue;
                    }
                    return Arrays.copyOf(bytes.array(), bytes.position());
                }
            }
        });
    }

    Appender(Place place) throws IOException {
        this.place = place;
        this.channel = place.open();
    }

    /** Takes bytes for the next {@link #flush}. */
    void append(byte[] bytes) {
        pending.writeBytes(bytes);
    }

    /** Writes what has been taken; when that fails the rest stays for the next call. */
    void flush() throws IOException {
        if (channel == null) {
            channel = place.open();
            try {
                takeUp(place.tail(recent.size() + pending.size()));
            } catch (IOException e) {
                giveUp(e);
            }
        }
        ByteBuffer rest = ByteBuffer.wrap(pending.toByteArray());
        try {
            while (rest.hasRemaining()) {
                channel.write(rest);
            }
        } catch (IOException e) {
            giveUp(e);
        } finally {
            remember(rest.array(), rest.position());
            pending = new ByteArrayOutputStream();
            pending.write(rest.array(), rest.position(), rest.remaining());
        }
    }

    private void giveUp(IOException fault) throws IOException {
        try {
            channel.close();
        } catch (IOException e) {
            fault.addSuppressed(e);
        }
        channel = null;
        throw fault;
    }

    // Of what was written last and what waits, everything behind the longest piece that the file ends with has to be written.
    private void takeUp(byte[] tail) {
        recent.writeBytes(pending.toByteArray());
        byte[] all = recent.toByteArray();
        int there = Math.min(all.length, tail.length);
        while (!Arrays.equals(tail, tail.length - there, tail.length, all, 0, there)) {
            there--;
        }
        recent = new ByteArrayOutputStream();
        remember(all, there);
        pending = new ByteArrayOutputStream();
        pending.write(all, there, all.length - there);
    }

    private void remember(byte[] bytes, int length) {
        recent.write(bytes, 0, length);
        if (recent.size() > 2 * REMEMBERED) {
            byte[] all = recent.toByteArray();
            recent = new ByteArrayOutputStream();
            recent.write(all, all.length - REMEMBERED, REMEMBERED);
        }
    }

    /** Writes the rest and closes. */
    @Override
    public void close() throws IOException {
        try {
            flush();
            channel.close();
        } catch (IOException e) {
            // The server may be back and only the open file be lost.
            channel = null;
            flush();
            channel.close();
        }
    }
}
