package org.longhaul.parallel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.longhaul.parallel.ShardedArena.Bucket;
import org.longhaul.parallel.ShardedArena.Part;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.HostBackend;
import org.longhaul.tensor.Tensor;

class ShardedArenaTest {
    private static final int RANKS = 3;

    @Test
    void partsTileTheArenaAndTheState() {
        List<HostBackend> backends = List.of(new HostBackend(), new HostBackend(), new HostBackend());
        List<Communicator> group = HostCommunicator.inProcess("data", backends, Duration.ofSeconds(5));
        List<Bucket> buckets = buckets();
        long covered = 0;
        for (int r = 0; r < RANKS; r++) {
            ShardedArena sharded = new ShardedArena(group.get(r), buckets);
            long state = 0;
            for (Part part : sharded.owned()) {
                assertEquals(state, part.stateFrom());
                state += part.elements();
            }
            assertEquals(state, sharded.ownedElements());
            covered += state;
        }
        assertEquals(buckets.get(buckets.size() - 1).to(), covered);
    }

    @Test
    void reducesEveryBucketAndBringsTheWeightsTogether() throws Exception {
        List<HostBackend> backends = List.of(new HostBackend(), new HostBackend(), new HostBackend());
        List<Communicator> group = HostCommunicator.inProcess("data", backends, Duration.ofSeconds(20));
        int n = Math.toIntExact(buckets().get(1).to());
        ExecutorService threads = Executors.newFixedThreadPool(RANKS);
        try {
            List<Future<float[]>> results = new ArrayList<>();
            for (int r = 0; r < RANKS; r++) {
                int rank = r;
                results.add(threads.submit(() -> {
                    HostBackend b = backends.get(rank);
                    Tensor gradients = b.allocate("g", 4L * n).tensor("g", 0, DType.F32, n);
                    Tensor weights = b.allocate("w", 4L * n).tensor("w", 0, DType.F32, n);
                    for (int i = 0; i < n; i++) {
                        b.bytes(gradients).putFloat(4 * i, i * (rank + 1));
                    }
                    ShardedArena sharded = new ShardedArena(group.get(rank), buckets());
                    for (int i = buckets().size() - 1; i >= 0; i--) {
                        sharded.reduceGradients(i, gradients, b.computeStream());
                    }
                    for (Part part : sharded.owned()) {
                        // In its own place: the gather would set right again what the reduction had put elsewhere.
                        for (int i = 0; i < part.elements(); i++) {
                            long at = part.from() + i;
                            assertEquals(6f * at, b.bytes(gradients).getFloat(Math.toIntExact(4 * at)), () -> part + ", element " + at);
                        }
                        b.copy(weights.slice(part.from(), part.to()), gradients.slice(part.from(), part.to()));
                    }
                    for (int i = 0; i < buckets().size(); i++) {
                        sharded.gatherWeights(i, weights, b.computeStream());
                    }
                    float[] out = new float[n];
                    b.bytes(weights).asFloatBuffer().get(out);
                    return out;
                }));
            }
            float[] expected = new float[n];
            for (int i = 0; i < n; i++) {
                expected[i] = 6f * i;
            }
            for (Future<float[]> result : results) {
                assertArrayEquals(expected, result.get());
            }
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void refusesGapsAndUnevenBuckets() {
        Communicator one = Communicator.single("data");
        assertThrows(IllegalArgumentException.class, () -> new ShardedArena(one, List.of(new Bucket("a", 128, 256, true))));
        assertThrows(IllegalArgumentException.class, () -> new ShardedArena(one, List.of(new Bucket("a", 0, 100, true))));
    }

    private static List<Bucket> buckets() {
        long a = ShardedArena.padded(1000, RANKS);
        return List.of(new Bucket("layers", 0, a, true), new Bucket("norms", a, a + ShardedArena.padded(1, RANKS), false));
    }
}
