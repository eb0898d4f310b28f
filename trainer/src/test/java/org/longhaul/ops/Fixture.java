package org.longhaul.ops;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/** Tensors for tests on any backend: random, poisoned with NaN, or given. */
public final class Fixture implements AutoCloseable {
    private final Backend backend;
    private final List<Arena> arenas = new ArrayList<>();
    private final SplittableRandom random;

    public Fixture(Backend backend, long seed) {
        this.backend = backend;
        this.random = new SplittableRandom(seed);
    }

    public Tensor poisoned(DType type, long... shape) {
        Arena arena = backend.allocate("test", Arena.align(Tensor.elements(shape) * type.bytes()));
        arenas.add(arena);
        Tensor t = arena.tensor("t", 0, type, shape);
        float[] nan = new float[(int) t.elements()];
        java.util.Arrays.fill(nan, Float.NaN);
        Host.put(backend, t, nan);
        return t;
    }

    public Tensor of(DType type, float[] values, long... shape) {
        Tensor t = poisoned(type, shape);
        Host.put(backend, t, values);
        return t;
    }

    public Tensor random(DType type, double scale, long... shape) {
        float[] values = new float[(int) Tensor.elements(shape)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) ((random.nextDouble() * 2 - 1) * scale);
        }
        return of(type, values, shape);
    }

    public Tensor ids(int bound, int n) {
        int[] values = random.ints(n, 0, bound).toArray();
        return ints(values);
    }

    public Tensor ints(int... values) {
        Arena arena = backend.allocate("ids", Arena.align(4L * values.length));
        arenas.add(arena);
        Tensor t = arena.tensor("ids", 0, DType.I32, values.length);
        Host.put(backend, t, values);
        return t;
    }

    public float[] floats(Tensor t) {
        return Host.floats(backend, t);
    }

    public int[] ints(Tensor t) {
        java.nio.ByteBuffer b = java.nio.ByteBuffer.allocateDirect((int) t.bytes()).order(java.nio.ByteOrder.nativeOrder());
        backend.download(b, t);
        int[] out = new int[(int) t.elements()];
        b.clear();
        b.asIntBuffer().get(out);
        return out;
    }

    public Backend backend() {
        return backend;
    }

    @Override
    public void close() {
        arenas.forEach(Arena::close);
    }
}
