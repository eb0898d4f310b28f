package org.longhaul.trust;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.longhaul.parallel.Communicator;
import org.longhaul.parallel.HostCommunicator;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.HostBackend;
import org.longhaul.tensor.Tensor;

class TrustReportsTest {
    @Test
    void findsTheFirstValueThatIsNotFinite() {
        HostBackend backend = new HostBackend();
        Tensor good = backend.allocate("a", 4000).tensor("layers.0.qkv", 0, DType.F32, 10, 100);
        Tensor bad = backend.allocate("b", 4000).tensor("layers.1.down", 0, DType.F32, 1000);
        Tensor half = backend.allocate("c", 2000).tensor("layers.2.norm", 0, DType.BF16, 1000);
        backend.bytes(bad).putFloat(4 * 17, Float.NaN).putFloat(4 * 500, Float.NEGATIVE_INFINITY);
        backend.bytes(half).putShort(2 * 999, (short) 0x7f80);
        assertEquals(List.of(new NonFiniteReport("layers.1.down", 2, 17, 1000), new NonFiniteReport("layers.2.norm", 1, 999, 1000)),
                NonFiniteReport.scan(backend, List.of(good, bad, half)));
    }

    /** What lies outside the heap goes with a collection only, and a steady run collects seldom. */
    @Test
    void aScanTakesOneBufferHoweverManyTensorsThereAre() {
        HostBackend backend = new HostBackend();
        Tensor large = backend.allocate("w", 40 << 20).tensor("w", 0, DType.F32, 10 << 20);
        backend.bytes(large).putFloat((40 << 20) - 4, Float.NaN);
        List<Tensor> tensors = Collections.nCopies(20, large);
        long before = outsideTheHeap();
        List<NonFiniteReport> found = NonFiniteReport.scan(backend, tensors);
        long taken = outsideTheHeap() - before;
        assertEquals(Collections.nCopies(20, new NonFiniteReport("w", 1, (10 << 20) - 1, 10 << 20)), found);
        assertTrue(taken <= 32 << 20, () -> taken + " bytes");
    }

    private static long outsideTheHeap() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream().filter(p -> p.getName().equals("direct")).findFirst().orElseThrow()
                .getMemoryUsed();
    }

    @Test
    void everyRankLearnsWhoDeviates() throws Exception {
        List<HostBackend> backends = List.of(new HostBackend(), new HostBackend(), new HostBackend());
        List<Communicator> group = HostCommunicator.inProcess("data", backends, Duration.ofSeconds(20));
        ExecutorService threads = Executors.newFixedThreadPool(3);
        try {
            List<Future<List<Integer>>> answers = new ArrayList<>();
            for (int r = 0; r < 3; r++) {
                int rank = r;
                answers.add(threads.submit(() -> {
                    HostBackend b = backends.get(rank);
                    Tensor weights = b.allocate("w", 4096).tensor("w", 0, DType.BF16, 2048);
                    ReplicaHash hash = new ReplicaHash(b, group.get(rank));
                    assertEquals(List.of(), hash.deviating(List.of(weights)));
                    if (rank == 1) {
                        b.bytes(weights).put(4000, (byte) 1);
                    }
                    return hash.deviating(List.of(weights));
                }));
            }
            for (Future<List<Integer>> answer : answers) {
                assertEquals(List.of(1), answer.get());
            }
        } finally {
            threads.shutdown();
        }
    }
}
