package org.longhaul.checkpoint;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import org.longhaul.checkpoint.Manifest.Part;
import org.longhaul.checkpoint.Manifest.StoredFile;
import org.longhaul.checkpoint.Manifest.StoredTensor;
import org.longhaul.model.Box;
import org.longhaul.tensor.DType;

/** Writes one data file front to back: boxes at aligned places, a checksum for each chunk of a box, zeros between. */
final class DataFile implements Closeable {
    /** Boxes start at multiples of this in the file, so that they can be mapped and read directly. */
    static final int ALIGNMENT = 4096;
    /** Bytes under one checksum. */
    static final int CHUNK = 1 << 20;

    private static final int PASSES = 256 << 10;

    private final String name;
    private final Storage.Output out;
    private final ByteBuffer zeros = ByteBuffer.allocateDirect(ALIGNMENT);
    private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    private final Map<String, List<Part>> parts = new LinkedHashMap<>();
    private final CRC32C crc = new CRC32C();
    private final StringBuilder crcs = new StringBuilder();
    private long position;
    private Box box;
    private DType dtype;
    private long start;
    private int inChunk;

    DataFile(Storage storage, String folder, String name) throws IOException {
        this.name = name;
        this.out = storage.create(folder + "/" + name);
    }

    static long align(long n) {
        return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** Starts a box. */
    void begin(Box next, DType type) {
        box = next;
        dtype = type;
        start = position;
        crcs.setLength(0);
        crc.reset();
        inChunk = 0;
    }

    /** The next bytes of the box, little-endian. */
    void accept(ByteBuffer bytes) throws IOException {
        position += bytes.remaining();
        // Small steps keep the bytes in cache between checksum and write.
        while (bytes.hasRemaining()) {
            int n = Math.min(Math.min(PASSES, CHUNK - inChunk), bytes.remaining());
            crc.update(bytes.slice(bytes.position(), n));
            out.write(bytes.slice(bytes.position(), n));
            bytes.position(bytes.position() + n);
            inChunk += n;
            if (inChunk == CHUNK) {
                endChunk();
            }
        }
    }

    /** Ends the box. Throws when it did not get as many bytes as it has. */
    void end() throws IOException {
        long bytes = box.elements() * dtype.bytes();
        if (position - start != bytes) {
            throw new IllegalStateException(box + " got " + (position - start) + " bytes of " + bytes);
        }
        if (inChunk > 0) {
            endChunk();
        }
        out.write(zeros.duplicate().limit((int) (align(position) - position)));
        position = align(position);
        tensors.putIfAbsent(box.tensor(), new StoredTensor(box.tensor(), dtype, box.globalShape(), List.of()));
        parts.computeIfAbsent(box.tensor(), k -> new ArrayList<>())
                .add(new Part(box.offset(), box.extent(), name, start, bytes, crcs.toString()));
    }

    /** Makes the file durable. */
    StoredFile commit() throws IOException {
        out.commit();
        return new StoredFile(name, position, "");
    }

    /** What the file holds. */
    List<StoredTensor> tensors() {
        List<StoredTensor> all = new ArrayList<>();
        tensors.forEach((k, t) -> all.add(new StoredTensor(k, t.dtype(), t.shape(), parts.get(k))));
        return all;
    }

    private void endChunk() {
        Checksums.append(crcs, (int) crc.getValue());
        crc.reset();
        inChunk = 0;
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
