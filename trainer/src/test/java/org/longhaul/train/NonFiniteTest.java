package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.longhaul.batch.SampleOrder;
import org.longhaul.checkpoint.SaveSchedule.Wish;
import org.longhaul.checkpoint.ThreadRanks;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.Mesh;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.tensor.Backend;
import org.longhaul.trust.Faults;

/** Values that are no numbers are traced to the layer and tensor they come from, on every layout. */
class NonFiniteTest {
    @AfterEach
    void nothingIsPlanted() {
        System.clearProperty(Faults.PROPERTY);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{data: 1}", "{data: 2}", "{data: 1, tensor: 2}", "{data: 1, pipeline: 2}", "{data: 1, pipeline: 2, virtual_stages: 2}"})
    void aWeightIsNamed(String mesh) {
        List<String> said = reports(mesh, "weight=0:layers.2.down:NaN");
        assertTrue(said.stream().anyMatch(s -> s.matches("weight of layers\\.2\\.down: 1 of \\d+ values are not finite, the first at 0")), said.toString());
        assertTrue(said.stream().noneMatch(s -> s.startsWith("weight of") && !s.contains("layers.2.down")), said.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"{data: 1}", "{data: 2}", "{data: 1, tensor: 2}", "{data: 1, pipeline: 2}", "{data: 1, pipeline: 2, virtual_stages: 2}"})
    void aLayerWhoseOutputOverflowsIsNamed(String mesh) {
        // All weights are numbers; their product is not.
        List<String> said = reports(mesh, "weight=0:layers.2.gate_up:3e38,weight=0:layers.2.down:3e38");
        assertTrue(said.stream().anyMatch(s -> s.matches("output of layers\\.2 in micro-batch 0: .*")), said.toString());
        assertTrue(said.stream().noneMatch(s -> s.startsWith("weight") || s.contains("layers.0 ") || s.contains("layers.1 ")), said.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"{data: 1}", "{data: 1, tensor: 2}"})
    void gradientsAreNamedFromTheEndOfTheModel(String mesh) {
        // The forward is finite; the gradients overflow where they start.
        List<String> said = reports(mesh, "spike=0:8:1e300");
        assertTrue(said.get(0).matches("gradient of (head|norm): .*"), said.toString());
    }

    private static List<String> reports(String mesh, String faults) {
        System.setProperty(Faults.PROPERTY, faults);
        TrainConfig config = TrainerTest.config(Path.of("unused"), "mesh=" + mesh, "model.layers=4", "batch.micro_batch=1");
        Mesh m = config.mesh();
        int ranks = m.pipeline() * m.data() * m.tensor();
        List<Backend> backends = new ArrayList<>();
        for (int r = 0; r < ranks; r++) {
            backends.add(new CpuBackend(1));
        }
        List<MeshGroups> groups = MeshGroups.inProcess(m, backends, Duration.ofMinutes(2));
        List<String> said = new ArrayList<>();
        ThreadRanks.run(ranks, group -> {
            SampleOrder order = new SampleOrder(TrainerTest.data().train(), config.model().context(), config.seed(), 0);
            try (Engine engine = new Engine(config, backends.get(group.rank()), groups.get(group.rank()))) {
                engine.initialise(config.seed());
                engine.gradients(order, 0, false, Wish.NONE);
                assertEquals(false, engine.scalars().take()[0].finite());
                return engine.nonFinite().stream().map(Object::toString).toList();
            }
        }).forEach(said::addAll);
        return said;
    }
}
