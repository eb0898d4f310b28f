package org.longhaul.cuda;

import java.util.Random;
import java.util.function.Function;
import org.longhaul.ops.Ops;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/** A GPU for one test, with quick tensors; everything is freed at the end. Tests with it carry the tag {@code gpu}. */
final class OpenGpu implements AutoCloseable {
    private final CudaBackend backend;
    private final Random random;

    OpenGpu(long seed) {
        this(seed, CudaSettings.standard(0), b -> {
            throw new IllegalStateException("this test uses no operations");
        });
    }

    OpenGpu(long seed, CudaSettings settings, Function<CudaBackend, ? extends Ops> operations) {
        System.out.println("seed " + seed);
        this.random = new Random(seed);
        this.backend = new CudaBackend(settings, operations);
    }

    CudaBackend backend() {
        return backend;
    }

    Tensor empty(String name, DType dtype, long... shape) {
        Arena arena = backend.allocate(name, Arena.align(Tensor.elements(shape) * dtype.bytes()));
        return arena.tensor(name, 0, dtype, shape);
    }

    /** Normal random values times {@code scale}. */
    Tensor random(String name, DType dtype, double scale, long... shape) {
        Tensor t = empty(name, dtype, shape);
        float[] values = new float[(int) t.elements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextGaussian() * scale);
        }
        Host.put(backend, t, values);
        return t;
    }

    /** Fills with a pattern that is NaN in every float type, so that an element nobody writes shows. */
    Tensor poison(Tensor t) {
        backend.computeStream().fill(t.address(), 0xff, t.bytes());
        return t;
    }

    float[] read(Tensor t) {
        return Host.floats((Backend) backend, t);
    }

    /** ‖a − b‖ / ‖b‖; NaN counts as infinite. */
    static double relative(float[] a, double[] b) {
        double d = 0;
        double n = 0;
        for (int i = 0; i < b.length; i++) {
            d += (a[i] - b[i]) * (a[i] - b[i]);
            n += b[i] * b[i];
        }
        double r = Math.sqrt(d / n);
        return Double.isNaN(r) ? Double.POSITIVE_INFINITY : r;
    }

    @Override
    public void close() {
        backend.close();
    }
}
