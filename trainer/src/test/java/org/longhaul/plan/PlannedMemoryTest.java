package org.longhaul.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.longhaul.config.ConfigLoader;
import org.longhaul.model.ModelStage;
import org.longhaul.model.ParameterLayout;
import org.longhaul.model.ParameterStore;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.Communicator;
import org.longhaul.parallel.Mesh;
import org.longhaul.tensor.Arena;
import org.longhaul.tensor.Backend;
import org.longhaul.train.RankMemory;
import org.longhaul.train.TrainConfig;

/** What the plan says is what the model allocates. */
class PlannedMemoryTest {
    @ParameterizedTest
    @CsvSource({"none,false", "selective,true", "full,false", "full,true"})
    void planEqualsAllocation(String recompute, boolean documents) {
        TrainConfig config = ConfigLoader.parse("""
                output: none
                model: {layers: 5, d_model: 64, heads: 4, kv_heads: 2, vocab: 1000, context: 64}
                data: {path: none, document_mask: %s}
                batch: {sequences: 8, micro_batch: 4}
                steps: 20
                schedule: {type: constant, peak: 1e-2}
                memory: {recompute: %s, loss_chunk: 100}
                """.formatted(documents, recompute), "test", List.of(), TrainConfig.class);
        AtomicLong allocated = new AtomicLong();
        try (Backend cpu = new CpuBackend(1)) {
            Backend backend = counting(cpu, allocated);
            ModelStage.Options options = new ModelStage.Options(config.memory().recompute(), 1, 100, 0, true).masking(documents);
            try (ParameterStore store = new ParameterStore(
                            backend, ParameterLayout.single(config.model()), Communicator.single("data"), true);
                    ModelStage stage = new ModelStage(backend, store, 4, 64, options, Communicator.single("tensor"))) {
                // The step's scalars are not worth a row.
                assertEquals(RankMemory.of(config, Mesh.single()).get(0).total(), allocated.get(), 8.0 * Arena.ALIGNMENT);
            }
        }
    }

    private static Backend counting(Backend target, AtomicLong bytes) {
        return (Backend) Proxy.newProxyInstance(PlannedMemoryTest.class.getClassLoader(), new Class<?>[] {Backend.class}, (p, method, args) -> {
            if (method.getName().equals("allocate")) {
                bytes.addAndGet((Long) args[1]);
            }
            try {
                return method.invoke(target, args);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }
}
