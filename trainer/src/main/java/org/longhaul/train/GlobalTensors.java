package org.longhaul.train;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.longhaul.model.Box;
import org.longhaul.model.ParameterLayout.Piece;
import org.longhaul.model.ParameterStore;
import org.longhaul.parallel.ShardedArena.Part;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/**
 * Named tensors in their global shape, put together from the boxes that ranks hold. Where several ranks hold the same box, what
 * they bring must be the same bit for bit. Safe for several threads.
 */
final class GlobalTensors {
    private final Map<String, float[]> values = new TreeMap<>();
    private final Map<String, boolean[]> filled = new TreeMap<>();
    private List<Held> recorded;

    /** The tensors by name, in order. */
    Map<String, float[]> values() {
        return values;
    }

    /** One box's values, row-major. */
    private record Held(Box box, float[] part) {}

    /** Keeps what is added from now on as it came, for {@link #write}. */
    GlobalTensors recording() {
        recorded = new ArrayList<>();
        return this;
    }

    /** Writes what this process added, for another that {@link #read}s it. */
    void write(Path file) throws IOException {
        try (DataOutputStream out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file), 1 << 20))) {
            out.writeInt(recorded.size());
            for (Held held : recorded) {
                out.writeUTF(held.box.tensor());
                for (long[] dimensions : List.of(held.box.globalShape(), held.box.offset(), held.box.extent())) {
                    out.writeInt(dimensions.length);
                    for (long d : dimensions) {
                        out.writeLong(d);
                    }
                }
                for (float v : held.part) {
                    out.writeInt(Float.floatToRawIntBits(v));
                }
            }
        }
    }

    /** Adds what another process wrote. */
    void read(Path file) throws IOException {
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file), 1 << 20))) {
            for (int n = in.readInt(); n > 0; n--) {
                Box box = new Box(in.readUTF(), longs(in), longs(in), longs(in));
                float[] part = new float[Math.toIntExact(box.elements())];
                for (int i = 0; i < part.length; i++) {
                    part[i] = Float.intBitsToFloat(in.readInt());
                }
                add(box, part);
            }
        }
    }

    private static long[] longs(DataInputStream in) throws IOException {
        long[] values = new long[in.readInt()];
        for (int i = 0; i < values.length; i++) {
            values[i] = in.readLong();
        }
        return values;
    }

    /** Adds what a rank holds of its owned parts. {@code flat} is laid out as the store's arenas: its gradients or weights. */
    void addOwned(Backend backend, ParameterStore store, Tensor flat) {
        for (Part part : store.shards().owned()) {
            for (Piece piece : store.layout().pieces(part.from(), part.to())) {
                add(piece.box(), Host.floats(backend, flat.slice(piece.offset(), piece.offset() + piece.box().elements())));
            }
        }
    }

    /** Adds one box, row-major. Throws IllegalStateException where another rank's values differ. */
    synchronized void add(Box box, float[] part) {
        if (recorded != null) {
            recorded.add(new Held(box, part));
        }
        int size = Math.toIntExact(Tensor.elements(box.globalShape()));
        float[] whole = values.computeIfAbsent(box.tensor(), name -> new float[size]);
        boolean[] done = filled.computeIfAbsent(box.tensor(), name -> new boolean[size]);
        int rank = box.extent().length;
        int rows = rank == 1 ? 1 : (int) box.extent()[0];
        int width = (int) box.extent()[rank - 1];
        int stride = (int) box.globalShape()[rank - 1];
        int first = (int) box.offset()[rank - 1] + (rank == 1 ? 0 : (int) box.offset()[0] * stride);
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < width; c++) {
                int at = first + r * stride + c;
                float value = part[r * width + c];
                if (done[at] && Float.floatToRawIntBits(whole[at]) != Float.floatToRawIntBits(value)) {
                    throw new IllegalStateException(box.tensor() + ": ranks that hold element " + at + " alike differ there: "
                            + whole[at] + " and " + value);
                }
                whole[at] = value;
                done[at] = true;
            }
        }
    }

    /** Throws IllegalStateException naming a tensor of which a part is missing. */
    void requireComplete() {
        filled.forEach((name, done) -> {
            for (int i = 0; i < done.length; i++) {
                if (!done[i]) {
                    throw new IllegalStateException(name + ": no rank holds element " + i + " of " + done.length);
                }
            }
        });
    }

    /**
     * The largest relative difference to another set: for each tensor the norm of the difference over the norm of the reference
     * (over the norm of all tensors for one that is nearly zero there).
     */
    Difference against(GlobalTensors reference) {
        if (!values.keySet().equals(reference.values.keySet())) {
            return new Difference("names", Double.POSITIVE_INFINITY);
        }
        double all = Math.sqrt(reference.values.values().stream().mapToDouble(GlobalTensors::squares).sum()
                / Math.max(1, reference.values.size()));
        Difference worst = new Difference("", 0);
        for (Map.Entry<String, float[]> e : values.entrySet()) {
            float[] mine = e.getValue();
            float[] other = reference.values.get(e.getKey());
            if (mine.length != other.length) {
                return new Difference(e.getKey(), Double.POSITIVE_INFINITY);
            }
            double gap = 0;
            for (int i = 0; i < mine.length; i++) {
                double d = (double) mine[i] - other[i];
                gap += d * d;
            }
            double relative = Math.sqrt(gap) / Math.max(Math.sqrt(squares(other)), 1e-3 * all);
            if (!(relative <= worst.relative)) {
                worst = new Difference(e.getKey(), Double.isNaN(relative) ? Double.POSITIVE_INFINITY : relative);
            }
        }
        return worst;
    }

    /** The tensor that differs most, and by how much of its norm. */
    record Difference(String tensor, double relative) {}

    private static double squares(float[] x) {
        double sum = 0;
        for (float v : x) {
            sum += (double) v * v;
        }
        return sum;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof GlobalTensors t && values.keySet().equals(t.values.keySet())
                && values.entrySet().stream().allMatch(e -> Arrays.equals(e.getValue(), t.values.get(e.getKey())));
    }

    @Override
    public int hashCode() {
        return values.keySet().hashCode();
    }
}
