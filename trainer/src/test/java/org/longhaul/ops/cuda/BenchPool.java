package org.longhaul.ops.cuda;

import java.util.Random;
import org.longhaul.cuda.CudaBackend;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/** Device memory of benchmarks: one pool, filled with random values and cut anew for every case. */
final class BenchPool {
    private static final int FIRST = 1 << 22;

    private final CudaBackend backend;
    private Arena pool;
    private float[] seedValues;
    private long used;

    BenchPool(CudaBackend backend) {
        this.backend = backend;
    }

    /**
     * Begins a case of at most so many bytes. Filled again for every case: what earlier kernels left may be zeros or NaN, on which
     * products run faster. Random bf16 values of moderate size, doubled over the pool; read as F32 they are moderate too.
     */
    void begin(long bytes) {
        used = 0;
        if (pool == null || pool.bytes() < bytes) {
            if (pool != null) {
                pool.close();
            }
            pool = backend.allocate("bench", Arena.align(Math.max(bytes, 2L * FIRST)));
        }
        if (seedValues == null) {
            seedValues = new float[FIRST];
            Random random = new Random(1);
            for (int i = 0; i < FIRST; i++) {
                seedValues[i] = (float) random.nextGaussian();
            }
        }
        Host.put(backend, pool.tensor("seed", 0, DType.BF16, FIRST), seedValues);
        for (long at = 2L * FIRST; at < pool.bytes(); ) {
            long n = Math.min(at, pool.bytes() - at);
            backend.copy(pool.tensor("to", at, DType.U8, n), pool.tensor("from", 0, DType.U8, n));
            at += n;
        }
    }

    Tensor t(DType type, long... shape) {
        long bytes = Arena.align(Tensor.elements(shape) * type.bytes());
        Tensor tensor = pool.tensor("bench", used, type, shape);
        used += bytes;
        return tensor;
    }

    /** Several matrices of bf16. */
    Tensor[] many(int n, long... shape) {
        Tensor[] all = new Tensor[n];
        for (int i = 0; i < n; i++) {
            all[i] = t(DType.BF16, shape);
        }
        return all;
    }

    /** Ids as text has them: few frequent, many rare. */
    Tensor ids(int tokens, int vocabulary) {
        int[] id = new int[tokens];
        Random random = new Random(2);
        for (int i = 0; i < tokens; i++) {
            id[i] = (int) Math.min(vocabulary - 1, Math.exp(random.nextDouble() * Math.log(vocabulary)));
        }
        Tensor ids = t(DType.I32, tokens);
        Host.put(backend, ids, id);
        return ids;
    }
}
