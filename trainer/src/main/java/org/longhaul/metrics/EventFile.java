package org.longhaul.metrics;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * Writes TensorBoard's event files: records of (length, masked CRC-32C of the length, bytes, masked CRC-32C of the bytes), each
 * an {@code Event} protocol buffer with scalar values.
 */
public final class EventFile implements AutoCloseable {
    private static final int SESSION_START = 1;

    private final Appender out;

    /**
     * Starts a file {@code events.out.tfevents.…} in a folder, which takes the place of what earlier files there say of steps from {@code firstStep} on;
     * {@code seconds} is the time since 1970.
     */
    public EventFile(Path folder, double seconds, long firstStep) throws IOException {
        Files.createDirectories(folder);
        String name = "events.out.tfevents.%010d.%d".formatted((long) seconds, ProcessHandle.current().pid());
        out = new Appender(folder.resolve(name));
        Message version = new Message();
        version.fixed64(1, seconds);
        version.bytes(3, "brain.Event:2".getBytes(StandardCharsets.UTF_8));
        record(version.toByteArray());
        startAt(seconds, firstStep);
    }

    /** Takes out of use what was said of a step and those behind it: training went back. TensorBoard forgets it where a session starts. */
    public void startAt(double seconds, long step) {
        Message session = new Message();
        session.varint(1, SESSION_START);
        Message event = new Message();
        event.fixed64(1, seconds);
        event.varint(2, step);
        event.bytes(7, session.toByteArray());
        record(event.toByteArray());
    }

    /** Appends one event with a value for each tag; {@link #flush} brings it to the file. */
    public void scalars(double seconds, long step, Map<String, Double> values) {
        Message summary = new Message();
        values.forEach((tag, value) -> {
            Message entry = new Message();
            entry.bytes(1, tag.getBytes(StandardCharsets.UTF_8));
            entry.fixed32(2, value.floatValue());
            summary.bytes(1, entry.toByteArray());
        });
        Message event = new Message();
        event.fixed64(1, seconds);
        event.varint(2, step);
        event.bytes(5, summary.toByteArray());
        record(event.toByteArray());
    }

    /** Brings what was appended to the file; what the disk refuses is kept for the next call. */
    public void flush() throws IOException {
        out.flush();
    }

    /** The checksum as the format stores it. */
    static int maskedCrc(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        int value = (int) crc.getValue();
        return Integer.rotateRight(value, 15) + 0xa282ead8;
    }

    private void record(byte[] event) {
        byte[] length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(event.length).array();
        out.append(length);
        out.append(little(maskedCrc(length)));
        out.append(event);
        out.append(little(maskedCrc(event)));
    }

    private static byte[] little(int value) {
        return ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }

    /** A protocol buffer message under construction. */
    private static final class Message extends ByteArrayOutputStream {
        void varint(int field, long value) {
            raw((long) field << 3);
            raw(value);
        }

        void fixed64(int field, double value) {
            raw((long) field << 3 | 1);
            writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putDouble(value).array());
        }

        void fixed32(int field, float value) {
            raw((long) field << 3 | 5);
            writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(value).array());
        }

        void bytes(int field, byte[] value) {
            raw((long) field << 3 | 2);
            raw(value.length);
            writeBytes(value);
        }

        private void raw(long value) {
            long rest = value;
            while ((rest & ~0x7fL) != 0) {
                write((int) (rest & 0x7f | 0x80));
                rest >>>= 7;
            }
            write((int) rest);
        }
    }
}
