package org.longhaul.checkpoint;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Semaphore;
import org.longhaul.checkpoint.Manifest.Part;

/** Reads stored boxes in whole chunks and checks each chunk before anyone sees its bytes. Used by many threads. */
final class PartReader implements Closeable {
    private static final int BATCH_CHUNKS = 4;
    /** Files kept open beside those being read: a checkpoint of thousands of ranks has as many, and processes and stores allow only so many at once. */
    private static final int MOST_IDLE = 512;

    private final Storage storage;
    private final String folder;
    private final int chunk;
    private final Map<String, Deque<Storage.Input>> idle = new ConcurrentHashMap<>();
    private final Semaphore room = new Semaphore(MOST_IDLE);
    private final ThreadLocal<ByteBuffer> scratch;

    PartReader(Storage storage, String folder, int chunk) {
        this.storage = storage;
        this.folder = folder;
        this.chunk = chunk;
        this.scratch = ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(BATCH_CHUNKS * chunk).order(ByteOrder.LITTLE_ENDIAN));
    }

    /** Receives verified bytes; {@code at} is their position in the part. */
    interface Sink {
        void accept(ByteBuffer bytes, long at) throws IOException;
    }

    /** Reads the chunks that hold bytes {@code from} to {@code to} of the part, in ascending order. */
    void read(Part part, long from, long to, Sink sink) throws IOException {
        Storage.Input in = borrow(part.file());
        try {
            long lastChunk = (to - 1) / chunk;
            for (long c = from / chunk; c <= lastChunk; c += BATCH_CHUNKS) {
                long start = c * chunk;
                int want = (int) Math.min(Math.min((long) BATCH_CHUNKS, lastChunk - c + 1) * chunk, part.bytes() - start);
                ByteBuffer buffer = scratch.get().clear().limit(want);
                fill(in, part, start, buffer);
                check(part, c, buffer.flip());
                sink.accept(buffer.order(ByteOrder.LITTLE_ENDIAN), start);
            }
        } finally {
            giveBack(part.file(), in);
        }
    }

    /** Whether bytes {@code from} to {@code to} are whole chunks, which {@link #readWhole} can put where they belong at once. */
    boolean whole(Part part, long from, long to) {
        return from % chunk == 0 && (to % chunk == 0 || to == part.bytes());
    }

    /** Reads whole chunks straight into {@code target}, which has as many bytes remaining. */
    void readWhole(Part part, long from, ByteBuffer target) throws IOException {
        Storage.Input in = borrow(part.file());
        try {
            // Checked while they are still in the cache.
            int step = BATCH_CHUNKS * chunk;
            for (int at = 0; at < target.remaining(); at += step) {
                ByteBuffer piece = target.slice(target.position() + at, Math.min(step, target.remaining() - at));
                fill(in, part, from + at, piece);
                check(part, (from + at) / chunk, piece.flip());
            }
        } finally {
            giveBack(part.file(), in);
        }
    }

    private void fill(Storage.Input in, Part part, long from, ByteBuffer buffer) throws IOException {
        int want = buffer.remaining();
        int got = in.read(buffer, part.at() + from);
        if (got < want) {
            throw new CorruptCheckpointException(where(part.file()) + " ends at byte " + (part.at() + from + got)
                    + ", but its manifest names bytes up to " + (part.at() + part.bytes()));
        }
    }

    private void check(Part part, long firstChunk, ByteBuffer buffer) throws CorruptCheckpointException {
        for (int at = 0; at < buffer.limit(); at += chunk) {
            long index = firstChunk + at / chunk;
            int n = Math.min(chunk, buffer.limit() - at);
            if (Checksums.of(buffer.slice(at, n)) != part.chunkCrc(index)) {
                long begin = part.at() + index * chunk;
                throw new CorruptCheckpointException(where(part.file()) + " is damaged between byte " + begin + " and byte "
                        + (begin + n - 1) + ": the bytes do not match their checksum");
            }
        }
    }

    private String where(String file) {
        return storage.root() + "/" + folder + "/" + file;
    }

    private Storage.Input borrow(String file) throws IOException {
        Deque<Storage.Input> free = idle.get(file);
        Storage.Input in = free == null ? null : free.poll();
        if (in == null) {
            return storage.open(folder + "/" + file);
        }
        room.release();
        return in;
    }

    // The first ones stay: loads go through the files in the same order again and again.
    private void giveBack(String file, Storage.Input in) throws IOException {
        if (room.tryAcquire()) {
            idle.computeIfAbsent(file, k -> new ConcurrentLinkedDeque<>()).push(in);
        } else {
            in.close();
        }
    }

    @Override
    public void close() throws IOException {
        IOException fault = null;
        for (Deque<Storage.Input> inputs : idle.values()) {
            for (Storage.Input in : inputs) {
                try {
                    in.close();
                } catch (IOException e) {
                    fault = e;
                }
            }
        }
        if (fault != null) {
            throw fault;
        }
    }
}
