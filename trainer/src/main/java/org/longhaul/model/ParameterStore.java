package org.longhaul.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.longhaul.parallel.Communicator;
import org.longhaul.parallel.ShardedArena;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Tensor;

/**
 * One rank's parameters in flat arenas: weights in the compute type and F32 gradients whole; the F32 master copy and the two
 * moments only for the parts that this data-parallel rank owns (ZeRO-1), one after the other in bucket order. Where nothing is
 * divided and the compute type is F32, the master is the weights themselves.
 */
public final class ParameterStore implements AutoCloseable {
    private static final int CHUNK = 1 << 20;

    private final Backend backend;
    private final ParameterLayout layout;
    private final ShardedArena shards;
    private final List<Arena> arenas = new ArrayList<>();
    private final Tensor weights;
    private final Tensor gradients;
    private final Tensor master;
    private final Tensor firstMoment;
    private final Tensor secondMoment;
    private final Tensor[] weightViews;
    private final Tensor[] gradientViews;

    /** Allocates zeroed arenas, moments in F32; without {@code training} only the weights. */
    public ParameterStore(Backend backend, ParameterLayout layout, Communicator data, boolean training) {
        this(backend, layout, data, training, DType.F32);
    }

    /** Allocates zeroed arenas, moments of the given type; without {@code training} only the weights. */
    public ParameterStore(Backend backend, ParameterLayout layout, Communicator data, boolean training, DType moments) {
        this.backend = backend;
        this.layout = layout;
        this.shards = new ShardedArena(data, layout.buckets());
        long n = layout.elements();
        long share = shards.ownedElements();
        DType compute = backend.computeType();
        weights = arena("weights", compute, n);
        gradients = training ? arena("gradients", DType.F32, n) : null;
        firstMoment = training ? arena("first moment", moments, share) : null;
        secondMoment = training ? arena("second moment", moments, share) : null;
        if (compute == DType.F32 && data.size() == 1) {
            master = weights;
        } else {
            master = training ? arena("master weights", DType.F32, share) : null;
        }
        weightViews = views(weights);
        gradientViews = training ? views(gradients) : null;
    }

    /** Where parameters lie. */
    public ParameterLayout layout() {
        return layout;
    }

    /** All weights, flat, compute type. */
    public Tensor weights() {
        return weights;
    }

    /** All gradients, flat, F32. */
    public Tensor gradients() {
        return gradients;
    }

    /** The master copy of the owned parts, flat, F32. */
    public Tensor master() {
        return master;
    }

    /** Adam's first moment of the owned parts, flat, F32 or BF16. */
    public Tensor firstMoment() {
        return firstMoment;
    }

    /** Adam's second moment of the owned parts, flat, F32 or BF16. */
    public Tensor secondMoment() {
        return secondMoment;
    }

    /** Which parts of the arenas this data-parallel rank updates. */
    public ShardedArena shards() {
        return shards;
    }

    /** A parameter's weights in its shape. */
    public Tensor weight(String name) {
        return weightViews[layout.index(name)];
    }

    /** A parameter's gradient in its shape; throws when the store is for inference. */
    public Tensor gradient(String name) {
        return gradientViews[layout.index(name)];
    }

    /** Draws the initial weights; the moments become zero. */
    public void initialise(long seed) {
        Arena staging = backend.allocate("initial weights", Arena.align(4L * CHUNK));
        float[] values = new float[CHUNK];
        ByteBuffer bytes = ByteBuffer.allocateDirect(4 * CHUNK).order(ByteOrder.nativeOrder());
        for (long from = 0; from < layout.elements(); from += CHUNK) {
            int n = (int) Math.min(CHUNK, layout.elements() - from);
            Arrays.fill(values, 0);
            fill(seed, from, n, values);
            bytes.clear().limit(4 * n);
            bytes.asFloatBuffer().put(values, 0, n);
            Tensor chunk = staging.tensor("initial weights", 0, DType.F32, n);
            backend.upload(chunk, bytes);
            backend.ops().cast(weights.slice(from, from + n), chunk);
            if (master != null && master != weights) {
                for (ShardedArena.Part part : shards.owned()) {
                    long first = Math.max(from, part.from());
                    long end = Math.min(from + n, part.to());
                    if (first < end) {
                        long at = part.stateFrom() + first - part.from();
                        backend.copy(master.slice(at, at + end - first), chunk.slice(first - from, end - from));
                    }
                }
            }
        }
        backend.synchronize();
        staging.close();
        if (firstMoment != null) {
            backend.zero(firstMoment);
            backend.zero(secondMoment);
        }
    }

    private void fill(long seed, long from, int n, float[] values) {
        List<ParameterLayout.Piece> pieces = layout.pieces(from, from + n);
        for (ParameterLayout.Piece piece : pieces) {
            int at = (int) (piece.offset() - from);
            Box box = piece.box();
            if (piece.parameter().ones()) {
                Arrays.fill(values, at, at + (int) box.elements(), 1);
                continue;
            }
            long key = Philox.nameKey(box.tensor());
            int width = (int) box.extent()[1];
            double std = layout.config().initStd();
            IntStream.range(0, (int) box.extent()[0]).parallel().forEach(row -> {
                long element = (box.offset()[0] + row) * box.globalShape()[1] + box.offset()[1];
                Philox.normals(seed, key, element, values, at + row * width, width, std);
            });
        }
    }

    private Tensor arena(String name, DType type, long elements) {
        Arena arena = backend.allocate(name, Arena.align(elements * type.bytes()));
        arenas.add(arena);
        return arena.tensor(name, 0, type, elements);
    }

    private Tensor[] views(Tensor flat) {
        List<ParameterSpec> specs = layout.parameters();
        Tensor[] views = new Tensor[specs.size()];
        for (int i = 0; i < views.length; i++) {
            ParameterSpec spec = specs.get(i);
            views[i] = flat.arena().tensor(
                    spec.name(), flat.offset() + layout.offset(i) * flat.dtype().bytes(), flat.dtype(), spec.shape());
        }
        return views;
    }

    @Override
    public void close() {
        arenas.forEach(Arena::close);
    }
}
