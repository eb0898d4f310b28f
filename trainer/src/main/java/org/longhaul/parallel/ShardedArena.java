package org.longhaul.parallel;

import java.util.ArrayList;
import java.util.List;
import org.longhaul.tensor.Backend.Stream;
import org.longhaul.tensor.Tensor;

/**
 * Which part of the flat parameter arena each data-parallel rank updates (ZeRO stage 1, Rajbhandari et al. 2020), and the
 * collectives that go with it. The arena is cut into buckets that become ready one after the other during the backward;
 * of each bucket rank r owns the r-th of as many equal parts as there are ranks. Optimizer state holds the owned parts
 * one after the other, in bucket order.
 */
public final class ShardedArena {
    /** Owned parts start at multiples of this many elements, for vector access and NCCL's alignment. */
    public static final int ALIGNMENT = 128;

    private final Communicator data;
    private final List<Bucket> buckets;
    private final List<Part> owned;
    private final long ownedElements;

    /**
     * Divides an arena.
     *
     * @param data the ranks that hold the same parameters
     * @param buckets consecutive ranges from 0 to the arena's end, each a multiple of {@code ALIGNMENT · data.size()} long
     */
    public ShardedArena(Communicator data, List<Bucket> buckets) {
        this.data = data;
        this.buckets = List.copyOf(buckets);
        List<Part> parts = new ArrayList<>();
        long expected = 0;
        long local = 0;
        for (Bucket bucket : buckets) {
            long length = bucket.to - bucket.from;
            if (bucket.from != expected || length < 0 || length % ((long) ALIGNMENT * data.size()) != 0) {
                throw new IllegalArgumentException("bucket " + bucket + " must start at " + expected + " and be a multiple of "
                        + (long) ALIGNMENT * data.size() + " long");
            }
            long share = length / data.size();
            long from = bucket.from + data.rank() * share;
            parts.add(new Part(bucket.name, from, from + share, local, bucket.decay));
            local += share;
            expected = bucket.to;
        }
        this.owned = List.copyOf(parts);
        this.ownedElements = local;
    }

    /**
     * A range of the arena whose gradients are complete at the same time.
     *
     * @param name for plans and traces
     * @param from first element
     * @param to past its last element
     * @param decay whether weight decay applies to all of it
     */
    public record Bucket(String name, long from, long to, boolean decay) {}

    /**
     * A range this rank owns.
     *
     * @param name its bucket's
     * @param from first element in the arena
     * @param to past its last element
     * @param stateFrom where it starts in the optimizer state
     * @param decay whether weight decay applies
     */
    public record Part(String name, long from, long to, long stateFrom, boolean decay) {
        /** Number of elements. */
        public long elements() {
            return to - from;
        }
    }

    /** The length a bucket of {@code elements} must be padded to. */
    public static long padded(long elements, int dataSize) {
        long unit = (long) ALIGNMENT * dataSize;
        return (elements + unit - 1) / unit * unit;
    }

    /** What this rank owns, one part a bucket. */
    public List<Part> owned() {
        return owned;
    }

    /** Elements of this rank's optimizer state. */
    public long ownedElements() {
        return ownedElements;
    }

    /** Sums bucket i of the gradient arena over the ranks, into this rank's part of it; in place. */
    public void reduceGradients(int i, Tensor arena, Stream stream) {
        if (data.size() > 1) {
            Bucket bucket = buckets.get(i);
            Part part = owned.get(i);
            data.reduceScatter(arena.slice(part.from, part.to), arena.slice(bucket.from, bucket.to), ReduceOp.SUM, stream);
        }
    }

    /** Brings all ranks' parts of bucket i of the weight arena together; in place. */
    public void gatherWeights(int i, Tensor arena, Stream stream) {
        if (data.size() > 1) {
            Bucket bucket = buckets.get(i);
            Part part = owned.get(i);
            data.allGather(arena.slice(bucket.from, bucket.to), arena.slice(part.from, part.to), stream);
        }
    }
}
