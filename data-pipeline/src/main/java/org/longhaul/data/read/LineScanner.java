package org.longhaul.data.read;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;

/**
 * Cuts a byte stream into lines in bounded memory. Lines end with LF or CRLF; the last one may have no end. A line longer than
 * the limit is passed over without being held, and reported by {@link #tooLong()}.
 */
final class LineScanner implements Closeable {
    private final InputStream in;
    private final int maxBytes;
    private final byte[] buffer = new byte[1 << 16];
    private int position;
    private int limit;
    private long read;

    private byte[] line = new byte[1 << 13];
    private int length;
    private long start;
    private long number;
    private long fullLength;

    LineScanner(InputStream in, int maxBytes) {
        this.in = in;
        this.maxBytes = maxBytes;
    }

    /** Reads the next line; false at the end. When the stream fails inside a line, that line is not handed out. */
    boolean next() throws IOException {
        start = offset();
        length = 0;
        fullLength = 0;
        number++;
        boolean any = false;
        while (true) {
            if (position == limit) {
                int n = in.read(buffer, 0, buffer.length);
                position = 0;
                limit = Math.max(n, 0);
                read += limit;
                if (n < 0) {
                    return any;
                }
                continue;
            }
            any = true;
            int end = position;
            while (end < limit && buffer[end] != '\n') {
                end++;
            }
            append(end - position);
            position = end;
            if (end < limit) {
                position++;
                if (length > 0 && length == fullLength && line[length - 1] == '\r') {
                    length--;
                    fullLength--;
                }
                return true;
            }
        }
    }

    private void append(int count) {
        fullLength += count;
        if (fullLength > maxBytes) {
            length = 0;
            return;
        }
        if (length + count > line.length) {
            line = java.util.Arrays.copyOf(line, (int) Math.min(maxBytes, Math.max(2L * line.length, length + count)));
        }
        System.arraycopy(buffer, position, line, length, count);
        length += count;
    }

    /** Whether the current line exceeds the limit; its bytes are not held then. */
    boolean tooLong() {
        return fullLength > maxBytes;
    }

    /** Bytes of the current line, valid until the next call. */
    byte[] bytes() {
        return line;
    }

    /** Bytes held of the current line. */
    int length() {
        return length;
    }

    /** Bytes of the current line, held or not. */
    long fullLength() {
        return fullLength;
    }

    /** Where the current line starts. */
    Position lineStart() {
        return new Position(start, number);
    }

    /** Bytes consumed so far. */
    long offset() {
        return read - (limit - position);
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
