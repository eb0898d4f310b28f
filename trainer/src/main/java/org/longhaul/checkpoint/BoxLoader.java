package org.longhaul.checkpoint;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.longhaul.checkpoint.Boxes.Piece;
import org.longhaul.checkpoint.Manifest.Part;
import org.longhaul.checkpoint.Manifest.StoredTensor;
import org.longhaul.error.UserError;
import org.longhaul.model.Box;
import org.longhaul.tensor.DType;

/**
 * Cuts wanted boxes into tiles of at most {@link #TILE} bytes that are contiguous in the wanted buffer, reads tiles in parallel,
 * and hands them over on the caller's thread in order: memory stays bounded whatever the tensor's size.
 */
final class BoxLoader implements Closeable {
    static final int TILE = 16 << 20;

    private final Checkpoint checkpoint;
    private final PartReader reader;
    private final ExecutorService threads;
    private final int inFlight;
    private final Deque<Pending> queue = new ArrayDeque<>();
    private final Deque<ByteBuffer> free = new ArrayDeque<>();

    /** Takes a finished tile: the box, its first element's index in the wanted box, its bytes. */
    interface TileSink {
        void accept(Box tile, long start, ByteBuffer bytes) throws IOException;
    }

    private record Pending(Piece piece, ByteBuffer buffer, Future<?> done, TileSink sink) {}

    BoxLoader(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
        this.reader = new PartReader(checkpoint.storage(), checkpoint.folder(), checkpoint.manifest().chunkBytes());
        int n = Math.max(2, Math.min(8, Runtime.getRuntime().availableProcessors()));
        this.inFlight = 2 * n;
        this.threads = Executors.newFixedThreadPool(n, task -> {
            Thread t = new Thread(task, "checkpoint-read");
            t.setDaemon(true);
            return t;
        });
    }

    /** Reads {@code wanted}; tiles arrive at {@code sink} during this call, later ones and {@link #finish}. */
    void tiles(Box wanted, DType dtype, TileSink sink) throws IOException {
        StoredTensor stored = checkpoint.stored(wanted.tensor());
        if (!Arrays.equals(stored.shape(), wanted.globalShape())) {
            throw UserError.badInput(checkpoint.path() + ": tensor " + wanted.tensor() + " has shape "
                    + Arrays.toString(stored.shape()) + ", the model wants " + Arrays.toString(wanted.globalShape()));
        }
        if (stored.dtype() != dtype && !(isFloat(stored.dtype()) && isFloat(dtype))) {
            throw UserError.badInput(checkpoint.path() + ": tensor " + wanted.tensor() + " has type " + stored.dtype()
                    + ", which does not convert to " + dtype);
        }
        long step = TILE / dtype.bytes();
        for (long from = 0; from < wanted.elements(); from += step) {
            for (Piece p : Boxes.flatRange(wanted, from, Math.min(from + step, wanted.elements()))) {
                submit(stored, p, dtype, sink);
            }
        }
    }

    /** Waits for all tiles and hands them over. */
    void finish() throws IOException {
        while (!queue.isEmpty()) {
            takeOne();
        }
    }

    private void submit(StoredTensor stored, Piece piece, DType dtype, TileSink sink) throws IOException {
        while (queue.size() >= inFlight) {
            takeOne();
        }
        int bytes = Math.toIntExact(piece.box().elements() * dtype.bytes());
        ByteBuffer buffer = take(bytes);
        queue.add(new Pending(piece, buffer, threads.submit(() -> {
            fill(stored, piece.box(), dtype, buffer);
            return null;
        }), sink));
    }

    private ByteBuffer take(int bytes) {
        ByteBuffer buffer = free.poll();
        if (buffer == null || buffer.capacity() < bytes) {
            // Small models never pay for a full tile.
            buffer = Checkpoint.hostBuffer(Math.max(bytes, Math.min(TILE, 1 << 16)));
        }
        return buffer.clear().limit(bytes);
    }

    private void takeOne() throws IOException {
        Pending p = queue.remove();
        try {
            p.done().get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException io) {
                throw io;
            }
            if (e.getCause() instanceof RuntimeException fault) {
                throw fault;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while reading " + checkpoint.path(), e);
        }
        ByteBuffer buffer = p.buffer();
        p.sink().accept(p.piece().box(), p.piece().start(), buffer.duplicate().order(ByteOrder.nativeOrder()));
        free.push(buffer);
    }

    private void fill(StoredTensor stored, Box tile, DType dtype, ByteBuffer target) throws IOException {
        ByteBuffer little = target.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        // Replicas may overlap: what one part gave, the next need not.
        List<Box> open = List.of(tile);
        for (Part part : stored.parts()) {
            Box source = stored.box(part);
            List<Box> next = new ArrayList<>();
            for (Box o : open) {
                Optional<Box> common = Boxes.intersect(o, source);
                if (common.isEmpty()) {
                    next.add(o);
                    continue;
                }
                copy(stored, part, source, common.get(), tile, dtype, little);
                next.addAll(Boxes.subtract(o, source));
            }
            open = next;
            if (open.isEmpty()) {
                return;
            }
        }
        throw new CorruptCheckpointException(checkpoint.path() + "/" + Manifest.NAME + " has no data for " + open.get(0));
    }

    private void copy(StoredTensor stored, Part part, Box source, Box common, Box tile, DType dtype, ByteBuffer target)
            throws IOException {
        BoxCopy copy = new BoxCopy(common, source, stored.dtype(), tile, dtype);
        int size = stored.dtype().bytes();
        if (stored.dtype() == dtype && copy.oneRun() && reader.whole(part, copy.first() * size, copy.end() * size)) {
            reader.readWhole(part, copy.first() * size, target.slice(copy.targetFirst() * size, (int) (copy.end() - copy.first()) * size));
            return;
        }
        reader.read(part, copy.first() * size, copy.end() * size,
                (bytes, at) -> copy.accept(bytes, at / size, target));
    }

    private static boolean isFloat(DType t) {
        return t == DType.F32 || t == DType.BF16;
    }

    @Override
    public void close() throws IOException {
        threads.shutdownNow();
        try {
            threads.awaitTermination(1, TimeUnit.MINUTES);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        reader.close();
    }
}
