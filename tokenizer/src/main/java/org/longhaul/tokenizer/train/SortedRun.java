package org.longhaul.tokenizer.train;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;
import org.longhaul.error.UserError;

/**
 * Word counts in the order of the words' unsigned bytes, as a stream: magic {@code LHWC0001}; for every word the length it shares
 * with the word before plus one, the length of the rest, the rest, the count; a zero; number of words and CRC-32C of
 * what came before it (big-endian). Numbers are LEB128. Runs are made by one counter each and merged by {@link SortedRuns}.
 */
public final class SortedRun {
    private static final long MAGIC = 0x4C48574330303031L;

    private SortedRun() {}

    /** Writes a run; words must come in order, each once. */
    static final class Writer implements Closeable {
        private final CheckedOutputStream checked;
        private final DataOutputStream out;
        private byte[] last = new byte[64];
        private int lastLength;
        private long words;

        Writer(OutputStream stream) throws IOException {
            checked = new CheckedOutputStream(stream, new CRC32C());
            out = new DataOutputStream(new BufferedOutputStream(checked, 1 << 16));
            out.writeLong(MAGIC);
        }

        void add(byte[] bytes, int from, int length, long count) throws IOException {
            int shared = Arrays.mismatch(last, 0, lastLength, bytes, from, from + length);
            if (words > 0 && (shared < 0 || shared == length || shared < lastLength
                    && (bytes[from + shared] & 0xFF) < (last[shared] & 0xFF))) {
                throw new IllegalArgumentException("words of a sorted run must come in order, each once");
            }
            shared = Math.max(shared, 0);
            number(shared + 1L);
            number(length - shared);
            out.write(bytes, from + shared, length - shared);
            number(count);
            if (last.length < length) {
                last = new byte[length * 2];
            }
            System.arraycopy(bytes, from, last, 0, length);
            lastLength = length;
            words++;
        }

        private void number(long value) throws IOException {
            while (value >= 0x80) {
                out.write((int) value | 0x80);
                value >>>= 7;
            }
            out.write((int) value);
        }

        @Override
        public void close() throws IOException {
            number(0);
            out.writeLong(words);
            out.flush();
            long crc = checked.getChecksum().getValue();
            out.writeInt((int) crc);
            out.close();
        }
    }

    /** Reads a run, one word at a time. */
    static final class Reader implements Closeable {
        private final String name;
        private final CheckedInputStream checked;
        private final DataInputStream in;
        byte[] word = new byte[64];
        int length;
        long count;
        private long words;

        Reader(InputStream stream, String name) throws IOException {
            this.name = name;
            checked = new CheckedInputStream(new BufferedInputStream(stream, 1 << 16), new CRC32C());
            in = new DataInputStream(checked);
            if (in.readLong() != MAGIC) {
                throw UserError.badInput(name + ": not a file of word counts");
            }
        }

        /** Goes to the next word; false at the end, when number and checksum have been found right. */
        boolean next() throws IOException {
            try {
                long shared = number();
                if (shared == 0) {
                    end();
                    return false;
                }
                int rest = (int) number();
                int keep = (int) shared - 1;
                if (keep > length || rest < 0 || rest > Integer.MAX_VALUE - 8 - keep) {
                    throw damaged();
                }
                length = keep + rest;
                if (word.length < length) {
                    word = Arrays.copyOf(word, length + (length >> 1));
                }
                in.readFully(word, keep, rest);
                count = number();
                words++;
                return true;
            } catch (EOFException e) {
                throw UserError.badInput(name + ": word counts end early: delete the file and count again", e);
            }
        }

        private void end() throws IOException {
            long expected = in.readLong();
            int crc = (int) checked.getChecksum().getValue();
            if (expected != words || in.readInt() != crc) {
                throw damaged();
            }
        }

        private UserError damaged() {
            return UserError.badInput(name + ": word counts are damaged: delete the file and count again");
        }

        private long number() throws IOException {
            long value = 0;
            for (int shift = 0; ; shift += 7) {
                int b = in.readUnsignedByte();
                value |= (long) (b & 0x7F) << shift;
                if (b < 0x80) {
                    return value;
                }
                if (shift > 56) {
                    throw damaged();
                }
            }
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }

    static Reader open(Path file) throws IOException {
        return new Reader(Files.newInputStream(file), file.toString());
    }
}
