package org.longhaul.model;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/**
 * Every activation buffer of a stage, named once. Kept buffers live from a micro-batch's forward to its backward, one set per
 * slot; scratch buffers have a first and last moment of use in the stage's schedule and share memory where these do not meet.
 * Offsets are computed here once; the same plan is the memory table of {@code longhaul plan}.
 */
public final class ActivationPlan {
    /** One buffer: its element type, shape, and for scratch the first and last moment of use. */
    public record Buffer(String name, DType type, List<Long> shape, boolean kept, int first, int last) {
        /** Aligned size. */
        public long bytes() {
            return Arena.align(Tensor.elements(dimensions()) * type.bytes());
        }

        long[] dimensions() {
            return shape.stream().mapToLong(Long::longValue).toArray();
        }
    }

    private final Map<String, Buffer> buffers = new LinkedHashMap<>();
    private final Map<String, Long> offsets = new LinkedHashMap<>();
    private final int slots;
    private long keptBytes;
    private long scratchBytes;

    ActivationPlan(int slots) {
        this.slots = slots;
    }

    void keep(String name, DType type, long... shape) {
        add(new Buffer(name, type, list(shape), true, 0, 0));
    }

    void scratch(String name, DType type, int first, int last, long... shape) {
        add(new Buffer(name, type, list(shape), false, first, last));
    }

    private void add(Buffer buffer) {
        if (buffers.put(buffer.name(), buffer) != null) {
            throw new IllegalStateException("buffer planned twice: " + buffer.name());
        }
    }

    /** Computes the offsets: the largest buffers first, each at the lowest place free during its life. */
    void place() {
        for (Buffer b : buffers.values()) {
            if (b.kept()) {
                offsets.put(b.name(), keptBytes);
                keptBytes += b.bytes();
            }
        }
        List<Buffer> scratch = new ArrayList<>(buffers.values().stream().filter(b -> !b.kept()).toList());
        scratch.sort(Comparator.comparingLong(Buffer::bytes).reversed().thenComparing(Buffer::name));
        List<Buffer> placed = new ArrayList<>();
        for (Buffer b : scratch) {
            List<Buffer> rivals = placed.stream().filter(p -> p.first() <= b.last() && b.first() <= p.last())
                    .sorted(Comparator.comparingLong(p -> offsets.get(p.name()))).toList();
            long at = 0;
            for (Buffer rival : rivals) {
                if (at + b.bytes() <= offsets.get(rival.name())) {
                    break;
                }
                at = Math.max(at, offsets.get(rival.name()) + rival.bytes());
            }
            offsets.put(b.name(), at);
            placed.add(b);
            scratchBytes = Math.max(scratchBytes, at + b.bytes());
        }
    }

    /** All buffers in the order of the schedule. */
    public List<Buffer> buffers() {
        return List.copyOf(buffers.values());
    }

    /** Number of micro-batches in flight. */
    public int slots() {
        return slots;
    }

    /** Bytes shared by all scratch buffers. */
    public long scratchBytes() {
        return scratchBytes;
    }

    /** Bytes of the whole plan. */
    public long totalBytes() {
        return slots * keptBytes + scratchBytes;
    }

    boolean has(String name) {
        return buffers.containsKey(name);
    }

    /** Allocates the plan on a device. */
    Memory allocate(Backend backend) {
        return new Memory(backend.allocate("activations", Math.max(Arena.ALIGNMENT, totalBytes())));
    }

    private static List<Long> list(long[] shape) {
        List<Long> list = new ArrayList<>();
        for (long s : shape) {
            list.add(s);
        }
        return List.copyOf(list);
    }

    /** The plan's memory on a device. */
    final class Memory implements AutoCloseable {
        private final Arena arena;

        private Memory(Arena arena) {
            this.arena = arena;
        }

        /** The buffer of one slot (any slot for scratch). */
        Tensor tensor(int slot, String name) {
            Buffer b = buffers.get(name);
            if (b == null) {
                throw new IllegalArgumentException("no buffer " + name + " in the plan");
            }
            long base = b.kept() ? slot * keptBytes : slots * keptBytes;
            return arena.tensor(name, base + offsets.get(name), b.type(), b.dimensions());
        }

        @Override
        public void close() {
            arena.close();
        }
    }
}
