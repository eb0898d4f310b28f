package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.longhaul.batch.SampleOrder;
import org.longhaul.checkpoint.SaveSchedule.Wish;
import org.longhaul.metrics.JvmWatch;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.IdleBackend;

/** What a step allocates on the Java heap once it is warm. */
class AllocationTest {
    private static final int STEPS = 50;

    /** The engine itself: eight micro-batches by graphs, norm, update, results (2 KB seen). A GPU's step is this and the driver's calls. */
    @Test
    void aStepByGraphsAllocatesNextToNothing() {
        try (IdleBackend backend = new IdleBackend()) {
            long bytes = perStep(backend, "batch.micro_batch=1", "model.layers=30");
            assertEquals(3, backend.recorded(), "graphs");
            assertTrue(bytes < 16 * 1024, bytes + " bytes a step");
        }
    }

    /** Without graphs every operation is a call with its arguments; portable operations make an object for each view and result (690 KB seen). */
    @Test
    void aStepOnTheCpuAllocatesABoundedAmount() {
        try (CpuBackend backend = new CpuBackend(1)) {
            long bytes = perStep(backend, "batch.micro_batch=4");
            assertTrue(bytes < 2 << 20, bytes + " bytes a step");
        }
    }

    private static long perStep(Backend backend, String... overrides) {
        TrainConfig config = TrainerTest.config(Path.of("none"), overrides);
        SampleOrder order = new SampleOrder(new Sawtooth(40_000), config.model().context(), 1, 0);
        try (Engine engine = new Engine(config, backend, MeshGroups.single())) {
            steps(engine, order, config, STEPS);
            JvmWatch watch = new JvmWatch();
            steps(engine, order, config, STEPS);
            return watch.next().allocatedBytes() / STEPS;
        }
    }

    private static void steps(Engine engine, SampleOrder order, TrainConfig config, int steps) {
        for (int step = 1; step <= steps; step++) {
            engine.gradients(order, (step - 1L) * config.batch().sequences(), false, Wish.NONE);
            engine.update(1e-4, step, step);
            if (engine.scalars().full()) {
                engine.scalars().take();
            }
        }
    }
}
