package org.longhaul.data.read;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import java.util.zip.ZipException;

/**
 * Gzip (RFC 1952) of any number of members. Unlike the JDK's stream it does not trust {@code available()} to learn whether
 * another member follows (remote file systems answer 0 there, and the rest of the file would be lost without a word), and it
 * hands out every byte that can be decoded before it reports a truncated or damaged stream.
 */
final class GzipStream extends InputStream {
    private static final int BUFFER = 1 << 16;

    private final InputStream in;
    private final byte[] buffer = new byte[BUFFER];
    private final byte[] one = new byte[1];
    private final Inflater inflater = new Inflater(true);
    private final CRC32 crc = new CRC32();
    private int position;
    private int limit;
    private long consumed;
    private boolean inMember;
    private boolean ended;

    GzipStream(InputStream in) {
        this.in = in;
    }

    /** Bytes of the stored file that were read and used so far. */
    long compressedPosition() {
        return consumed - (inMember ? inflater.getRemaining() : limit - position);
    }

    @Override
    public int read() throws IOException {
        int n = read(one, 0, 1);
        return n < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        while (!ended) {
            if (!inMember && !startMember()) {
                ended = true;
                break;
            }
            int n;
            try {
                n = inflater.inflate(target, offset, length);
            } catch (DataFormatException e) {
                throw new ZipException("damaged gzip data at stored byte " + compressedPosition() + ": " + e.getMessage());
            }
            if (n > 0) {
                crc.update(target, offset, n);
                return n;
            }
            if (inflater.finished()) {
                endMember();
            } else if (inflater.needsDictionary()) {
                throw new ZipException("gzip data asks for a dictionary at stored byte " + compressedPosition());
            } else {
                if (!fill()) {
                    throw new EOFException("gzip data ends inside a member after " + consumed + " stored bytes");
                }
                inflater.setInput(buffer, 0, limit);
            }
        }
        return -1;
    }

    private boolean startMember() throws IOException {
        int first = next();
        // Tapes and some tools pad with zeros after the last member.
        while (first == 0) {
            first = next();
        }
        if (first < 0) {
            return false;
        }
        long start = compressedPosition() - 1;
        int second = require();
        if (first != 0x1F || second != 0x8B) {
            throw new ZipException("no gzip member at stored byte " + start);
        }
        if (require() != 8) {
            throw new ZipException("unknown gzip method at stored byte " + start);
        }
        int flags = require();
        skip(6);
        if ((flags & 4) != 0) {
            int extra = require() | require() << 8;
            skip(extra);
        }
        for (int text = Integer.bitCount(flags & 0x18); text > 0; text--) {
            while (require() != 0) {
                // name and comment end with a zero
            }
        }
        if ((flags & 2) != 0) {
            skip(2);
        }
        inflater.reset();
        crc.reset();
        inflater.setInput(buffer, position, limit - position);
        inMember = true;
        return true;
    }

    private void endMember() throws IOException {
        position = limit - inflater.getRemaining();
        inMember = false;
        long expected = requireInt();
        long size = requireInt();
        if (expected != crc.getValue() || size != (inflater.getBytesWritten() & 0xFFFFFFFFL)) {
            throw new ZipException("gzip checksum differs in the member that ends at stored byte " + compressedPosition()
                    + ": its text may be damaged");
        }
    }

    private long requireInt() throws IOException {
        return require() | (long) require() << 8 | (long) require() << 16 | (long) require() << 24;
    }

    private void skip(int count) throws IOException {
        for (int i = 0; i < count; i++) {
            require();
        }
    }

    private int require() throws IOException {
        int b = next();
        if (b < 0) {
            throw new EOFException("gzip data ends inside a header or trailer after " + consumed + " stored bytes");
        }
        return b;
    }

    private int next() throws IOException {
        if (position == limit && !fill()) {
            return -1;
        }
        return buffer[position++] & 0xFF;
    }

    private boolean fill() throws IOException {
        int n = in.read(buffer, 0, BUFFER);
        position = 0;
        limit = Math.max(n, 0);
        consumed += limit;
        return n > 0;
    }

    @Override
    public void close() throws IOException {
        inflater.end();
        in.close();
    }
}
