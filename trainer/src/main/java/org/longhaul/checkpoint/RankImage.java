package org.longhaul.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.longhaul.checkpoint.Manifest.RankPart;
import org.longhaul.tensor.HostCopier;
import org.longhaul.tensor.Tensor;
import org.longhaul.trust.Faults;

/**
 * The bytes of one rank's data file, staged in host memory. Filled from the device in one go while training stands still, then
 * written by another thread while training goes on. The memory is kept and used again by the next save.
 */
final class RankImage {
    private static final int SLAB = 64 << 20;

    private final HostCopier copier;
    private final List<ByteBuffer> slabs = new ArrayList<>();
    private final List<Slot> slots = new ArrayList<>();
    private long bytes;

    private record Slot(BoxData data, long at) {}

    /** Takes memory and copies from {@code copier}. */
    RankImage(HostCopier copier) {
        this.copier = copier;
    }

    /** Bytes staged. */
    long bytes() {
        return bytes;
    }

    /** Takes the memory that {@link #stage} of these boxes needs. */
    void reserve(List<BoxData> boxes) {
        slots.clear();
        long at = 0;
        for (BoxData b : boxes) {
            if (b.box().elements() == 0) {
                continue;
            }
            slots.add(new Slot(b, at));
            at = DataFile.align(at + b.tensor().bytes());
        }
        bytes = at;
        ensure(at);
    }

    /** Starts copying every box from the device. */
    void stage(List<BoxData> boxes) {
        reserve(boxes);
        List<ByteBuffer> destinations = new ArrayList<>();
        List<Tensor> sources = new ArrayList<>();
        for (Slot s : slots) {
            Tensor t = s.data().tensor();
            int size = t.dtype().bytes();
            long[] done = {0};
            ranges(s.at(), t.bytes(), piece -> {
                int n = piece.remaining() / size;
                destinations.add(piece);
                sources.add(t.slice(done[0], done[0] + n));
                done[0] += n;
            });
        }
        copier.start(destinations, sources);
    }

    /** Writes the image as a durable file and says what it holds. */
    RankPart write(Storage storage, String folder, int rank) throws IOException {
        copier.await();
        try (DataFile file = new DataFile(storage, folder, "rank-%04d.bin".formatted(rank))) {
            for (Slot s : slots) {
                file.begin(s.data().box(), s.data().tensor().dtype());
                ranges(s.at(), s.data().tensor().bytes(), file::accept);
                file.end();
                Faults.point("checkpoint.writing");
            }
            return new RankPart(rank, List.of(file.commit()), file.tensors(), List.of());
        }
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
            slabs.add(copier.allocate(SLAB));
        }
        if (rest > 0 && slabs.size() == full) {
            slabs.add(copier.allocate(rest));
        }
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
