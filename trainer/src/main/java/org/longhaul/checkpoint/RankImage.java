package org.longhaul.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.zip.CRC32C;
import org.longhaul.checkpoint.Manifest.Part;
import org.longhaul.checkpoint.Manifest.RankPart;
import org.longhaul.checkpoint.Manifest.StoredFile;
import org.longhaul.checkpoint.Manifest.StoredTensor;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Tensor;

/**
 * The bytes of one rank's data file, staged in host memory. Filled from the device in one go while training stands still, then
 * written by another thread while training goes on. The memory is kept and used again by the next save.
 */
final class RankImage {
    /** Boxes start at multiples of this in the file, so that they can be mapped and read directly. */
    static final int ALIGNMENT = 4096;
    /** Bytes under one checksum. */
    static final int CHUNK = 1 << 20;

    private static final int SLAB = 64 << 20;

    private final IntFunction<ByteBuffer> allocator;
    private final List<ByteBuffer> slabs = new ArrayList<>();
    private final List<Slot> slots = new ArrayList<>();
    private long bytes;

    private record Slot(BoxData data, long at) {}

    /** Takes memory from {@code allocator}: direct buffers of the asked size, for a GPU page-locked ones. */
    RankImage(IntFunction<ByteBuffer> allocator) {
        this.allocator = allocator;
    }

    /** Bytes staged. */
    long bytes() {
        return bytes;
    }

    /** Copies every box from the device. */
    void stage(List<BoxData> boxes, Backend backend) {
        slots.clear();
        long at = 0;
        for (BoxData b : boxes) {
            if (b.box().elements() == 0) {
                continue;
            }
            slots.add(new Slot(b, at));
            at = align(at + b.tensor().bytes());
        }
        bytes = at;
        ensure(at);
        for (Slot s : slots) {
            Tensor t = s.data().tensor();
            int size = t.dtype().bytes();
            long[] done = {0};
            ranges(s.at(), t.bytes(), piece -> {
                int n = piece.remaining() / size;
                backend.download(piece, t.slice(done[0], done[0] + n));
                done[0] += n;
            });
            clearPadding(s.at() + t.bytes());
        }
    }

    /** Writes the image as a durable file and says what it holds. */
    RankPart write(Storage storage, String folder, int rank) throws IOException {
        String name = "rank-%04d.bin".formatted(rank);
        Map<String, StoredTensor> tensors = new LinkedHashMap<>();
        Map<String, List<Part>> parts = new LinkedHashMap<>();
        try (Storage.Output out = storage.create(folder + "/" + name)) {
            for (Slot s : slots) {
                Tensor t = s.data().tensor();
                String crcs = checksums(s.at(), t.bytes());
                var box = s.data().box();
                parts.computeIfAbsent(box.tensor(), k -> new ArrayList<>())
                        .add(new Part(box.offset(), box.extent(), name, s.at(), t.bytes(), crcs));
                tensors.putIfAbsent(box.tensor(), new StoredTensor(box.tensor(), t.dtype(), box.globalShape(), List.of()));
                ranges(s.at(), align(t.bytes()), out::write);
            }
            out.commit();
        }
        List<StoredTensor> all = new ArrayList<>();
        tensors.forEach((k, t) -> all.add(new StoredTensor(k, t.dtype(), t.shape(), parts.get(k))));
        return new RankPart(rank, new StoredFile(name, bytes, ""), all);
    }

    private String checksums(long at, long length) {
        StringBuilder out = new StringBuilder();
        CRC32C crc = new CRC32C();
        for (long done = 0; done < length; done += CHUNK) {
            crc.reset();
            ranges(at + done, Math.min(CHUNK, length - done), crc::update);
            Checksums.append(out, (int) crc.getValue());
        }
        return out.toString();
    }

    private void ensure(long total) {
        int full = (int) (total / SLAB);
        int rest = (int) (total % SLAB);
        while (slabs.size() > full && slabs.get(full).capacity() < rest) {
            slabs.remove(slabs.size() - 1);
        }
        if (full > 0 && slabs.size() <= full && !slabs.isEmpty() && slabs.get(slabs.size() - 1).capacity() < SLAB) {
            slabs.remove(slabs.size() - 1);
        }
        while (slabs.size() < full) {
            slabs.add(allocator.apply(SLAB));
        }
        if (rest > 0 && slabs.size() == full) {
            slabs.add(allocator.apply(rest));
        }
    }

    private void clearPadding(long from) {
        ranges(from, align(from) - from, piece -> {
            while (piece.hasRemaining()) {
                piece.put((byte) 0);
            }
        });
    }

    private static long align(long n) {
        return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    private interface Use<E extends Exception> {
        void accept(ByteBuffer piece) throws E;
    }

    private <E extends Exception> void ranges(long at, long length, Use<E> use) throws E {
        long end = at + length;
        while (at < end) {
            int from = (int) (at % SLAB);
            int n = (int) Math.min(SLAB - from, end - at);
            use.accept(slabs.get((int) (at / SLAB)).slice(from, n).order(ByteOrder.nativeOrder()));
            at += n;
        }
    }
}
