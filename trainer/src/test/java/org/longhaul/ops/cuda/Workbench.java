package org.longhaul.ops.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/**
 * One experiment on a backend: fresh random inputs, outputs poisoned with NaN bytes, guard bytes behind every tensor, an
 * operation run twice from the same start, results compared with float64 references.
 */
final class Workbench implements AutoCloseable {
    private static final int GUARD = 256;
    private static final byte POISON = (byte) 0xff;

    private final Backend backend;
    private final Random random;
    private final List<Arena> arenas = new ArrayList<>();
    private final Map<Tensor, ByteBuffer> starts = new LinkedHashMap<>();
    private final Map<Tensor, ByteBuffer> blanks = new LinkedHashMap<>();
    private final Map<Tensor, Tensor> guards = new LinkedHashMap<>();

    Workbench(Backend backend, long seed) {
        this.backend = backend;
        this.random = new Random(seed);
    }

    Backend backend() {
        return backend;
    }

    Random random() {
        return random;
    }

    /** Compute type of activations. */
    DType compute() {
        return backend.computeType();
    }

    /** A tensor whose first element lies {@code shift} elements behind an aligned address. */
    Tensor poisonedAt(int shift, String name, DType dtype, long... shape) {
        long bytes = Tensor.elements(shape) * dtype.bytes();
        Arena arena = backend.allocate(name, Arena.align((long) shift * dtype.bytes() + bytes + GUARD));
        arenas.add(arena);
        Tensor whole = arena.tensor(name + " with guard", 0, DType.U8, arena.bytes());
        ByteBuffer poison = ByteBuffer.allocateDirect((int) arena.bytes()).order(ByteOrder.nativeOrder());
        while (poison.hasRemaining()) {
            poison.put(POISON);
        }
        backend.upload(whole, poison.clear());
        Tensor t = arena.tensor(name, (long) shift * dtype.bytes(), dtype, shape);
        blanks.put(t, poison.clear().slice(0, (int) bytes));
        starts.put(t, blanks.get(t));
        guards.put(t, whole);
        return t;
    }

    Tensor poisoned(String name, DType dtype, long... shape) {
        return poisonedAt(0, name, dtype, shape);
    }

    /** A tensor of given values, rounded to its type. */
    Tensor ofAt(int shift, String name, DType dtype, float[] values, long... shape) {
        Tensor t = poisonedAt(shift, name, dtype, shape);
        Host.put(backend, t, values);
        blanks.remove(t);
        return t;
    }

    Tensor of(String name, DType dtype, float[] values, long... shape) {
        return ofAt(0, name, dtype, values, shape);
    }

    Tensor ints(String name, int... values) {
        Tensor t = poisoned(name, DType.I32, values.length);
        Host.put(backend, t, values);
        blanks.remove(t);
        return t;
    }

    /** A tensor of normal values. */
    Tensor normal(String name, DType dtype, double deviation, long... shape) {
        return normalAt(0, name, dtype, deviation, shape);
    }

    Tensor normalAt(int shift, String name, DType dtype, double deviation, long... shape) {
        float[] values = new float[(int) Tensor.elements(shape)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextGaussian() * deviation);
        }
        return ofAt(shift, name, dtype, values, shape);
    }

    private void remember(Tensor t) {
        ByteBuffer bytes = ByteBuffer.allocateDirect((int) t.bytes()).order(ByteOrder.nativeOrder());
        backend.download(bytes, t);
        starts.put(t, bytes.clear());
    }

    // Outputs made blank are poisoned again, everything else is kept as it is now.
    private void prepare(Tensor[] outputs) {
        for (Tensor t : starts.keySet()) {
            if (Arrays.asList(outputs).contains(t) && blanks.containsKey(t)) {
                backend.upload(t, blanks.get(t).clear());
            }
            remember(t);
        }
    }

    /** The values now. */
    double[] values(Tensor t) {
        float[] f = Host.floats(backend, t);
        double[] d = new double[f.length];
        for (int i = 0; i < d.length; i++) {
            d[i] = f[i];
        }
        return d;
    }

    /**
     * Runs the operation twice from the same start; the outputs must have the same bits and nothing else, guards
     * included, may have changed.
     */
    void run(String what, Runnable operation, Tensor... outputs) {
        prepare(outputs);
        operation.run();
        List<byte[]> first = new ArrayList<>();
        for (Tensor o : outputs) {
            first.add(bytes(o));
        }
        for (Map.Entry<Tensor, ByteBuffer> s : starts.entrySet()) {
            if (!Arrays.asList(outputs).contains(s.getKey()) && !Arrays.equals(bytes(s.getKey()), bytes(s.getValue()))) {
                throw new AssertionError(what + " changed its input " + s.getKey());
            }
            backend.upload(s.getKey(), s.getValue().clear());
        }
        operation.run();
        for (int i = 0; i < outputs.length; i++) {
            if (!Arrays.equals(first.get(i), bytes(outputs[i]))) {
                throw new AssertionError(what + ": two runs differ in " + outputs[i]);
            }
        }
        for (Map.Entry<Tensor, Tensor> g : guards.entrySet()) {
            byte[] all = bytes(g.getValue());
            long from = g.getKey().offset();
            long to = from + g.getKey().bytes();
            for (int i = 0; i < all.length; i++) {
                if ((i < from || i >= to) && all[i] != POISON) {
                    throw new AssertionError(what + " wrote outside " + g.getKey() + ", byte " + (i - from) + " of " + g.getKey().bytes());
                }
            }
        }
    }

    /** Runs an operation that need not give the same bits twice, without the other checks. */
    void runOnce(Runnable operation) {
        operation.run();
    }

    /** The values of an I32 tensor. */
    static int[] ints(Backend backend, Tensor t) {
        ByteBuffer b = ByteBuffer.allocateDirect((int) t.bytes()).order(ByteOrder.nativeOrder());
        backend.download(b, t);
        int[] values = new int[(int) t.elements()];
        b.clear().asIntBuffer().get(values);
        return values;
    }

    private byte[] bytes(Tensor t) {
        ByteBuffer b = ByteBuffer.allocateDirect((int) t.bytes()).order(ByteOrder.nativeOrder());
        backend.download(b, t);
        return bytes(b);
    }

    private static byte[] bytes(ByteBuffer b) {
        byte[] a = new byte[b.clear().remaining()];
        b.duplicate().get(a);
        return a;
    }

    /** ‖out − ref‖ / ‖ref‖ must be at most the bound; NaN never passes. Returns the error. */
    double compare(String what, Tensor out, double[] reference, double bound) {
        return compare(what, out, reference, reference, bound);
    }

    /** As above, relative to the size of what was added up: where that cancels, the sum's own size says nothing about rounding. */
    double compare(String what, Tensor out, double[] reference, double[] size, double bound) {
        double[] got = values(out);
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < got.length; i++) {
            double d = got[i] - reference[i];
            difference += d * d;
            norm += size[i] * size[i];
        }
        double error = norm == 0 ? Math.sqrt(difference) : Math.sqrt(difference / norm);
        if (!(error <= bound)) {
            throw new AssertionError(String.format("%s: %s is off by %.3g (bound %.3g)", what, out, error, bound));
        }
        return error;
    }

    /** What rounding to the compute type alone may cost. */
    double bound() {
        return compute() == DType.BF16 ? 4e-3 : 3e-6;
    }

    @Override
    public void close() {
        arenas.forEach(Arena::close);
        arenas.clear();
    }
}
