package org.longhaul.interchange;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.longhaul.checkpoint.Checkpoint.HostSink;
import org.longhaul.error.UserError;
import org.longhaul.interchange.Safetensors.Entry;
import org.longhaul.interchange.Safetensors.Type;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;

/** One safetensors file, read piece by piece. */
final class SafetensorsFile implements Closeable {
    private static final int PIECE = 8 << 20;

    private final Path path;
    private final FileChannel channel;
    private final long dataStart;
    private final Map<String, Entry> entries;

    private SafetensorsFile(Path path, FileChannel channel, long dataStart, Map<String, Entry> entries) {
        this.path = path;
        this.channel = channel;
        this.dataStart = dataStart;
        this.entries = entries;
    }

    /** Opens and checks the header. Throws UserError when it is not such a file. */
    static SafetensorsFile open(Path path) throws IOException {
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
        try {
            ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
            fill(channel, length, 0, path);
            long header = length.getLong(0);
            if (header < 2 || header > Math.min(Safetensors.MAX_HEADER, channel.size() - 8)) {
                throw UserError.badInput(path + " is not a safetensors file, or cut short: its header would have " + header + " bytes");
            }
            ByteBuffer json = ByteBuffer.allocate((int) header);
            fill(channel, json, 8, path);
            long dataStart = 8 + header;
            return new SafetensorsFile(path, channel, dataStart,
                    Safetensors.parse(json.array(), path.toString(), channel.size() - dataStart));
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    Map<String, Entry> entries() {
        return entries;
    }

    /** Streams a tensor as {@code dtype}. */
    void stream(Entry entry, DType dtype, HostSink sink) throws IOException {
        ByteBuffer source = ByteBuffer.allocateDirect((int) Math.min(PIECE, Math.max(entry.bytes(), 1))).order(ByteOrder.LITTLE_ENDIAN);
        boolean same = entry.type().name().equals(dtype.name());
        ByteBuffer converted = same ? null
                : ByteBuffer.allocateDirect(source.capacity() / entry.type().bytes() * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (long done = 0; done < entry.bytes(); done += source.limit()) {
            source.clear().limit((int) Math.min(source.capacity(), entry.bytes() - done));
            fill(channel, source, dataStart + entry.begin() + done, path);
            source.flip();
            if (same) {
                sink.accept(source.duplicate().order(ByteOrder.LITTLE_ENDIAN));
            } else {
                convert(source, entry.type(), converted.clear(), dtype);
                sink.accept(converted.flip());
            }
        }
    }

    private static void convert(ByteBuffer source, Type from, ByteBuffer target, DType to) {
        int n = source.limit() / from.bytes();
        for (int i = 0; i < n; i++) {
            float value = switch (from) {
                case F32 -> source.getFloat(4 * i);
                case BF16 -> Host.toFloat(source.getShort(2 * i));
                case F16 -> Float16.toFloat(source.getShort(2 * i));
            };
            if (to == DType.F32) {
                target.putFloat(value);
            } else {
                target.putShort(Host.bfloat16(value));
            }
        }
    }

    private static void fill(FileChannel channel, ByteBuffer buffer, long position, Path path) throws IOException {
        long at = position;
        while (buffer.hasRemaining()) {
            int n = channel.read(buffer, at);
            if (n < 0) {
                throw UserError.badInput(path + " ends at byte " + at + "; it is cut short");
            }
            at += n;
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
