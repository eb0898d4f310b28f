package org.longhaul.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.longhaul.error.UserError;
import org.longhaul.natives.CpuBackend;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.RecordingBackend;

/** Steps by recorded graphs against the same steps operation by operation. */
class MicroGraphsTest {
    private static final int STEPS = 4;

    /** Every operation of every step, with the addresses it reads and writes, is the one of the eager run. */
    @ParameterizedTest
    @CsvSource({"none, 4", "selective, 8", "full, 2"})
    void graphsRepeatTheEagerStepOnTheSameAddresses(String recompute, int microBatch) {
        TrainConfig config = config("memory.recompute=" + recompute, "batch.micro_batch=" + microBatch, "z_loss=1e-4");
        List<List<String>> eagerTraces = new ArrayList<>();
        List<List<String>> graphTraces = new ArrayList<>();
        LayoutRun eager = alone(with(config, "off"), eagerTraces, 0);
        int accumulation = 8 / microBatch;
        // One graph of the forward, one of the first backward, one of the others where there are some; from the second step on.
        LayoutRun graphs = alone(with(config, "auto"), graphTraces, (STEPS - 1) * 2 * accumulation);
        assertEquals(eager.losses(), graphs.losses());
        assertEquals(eager.norms(), graphs.norms());
        assertEquals(eager.gradients(), graphs.gradients());
        assertEquals(eager.weights(), graphs.weights());
        List<String> first = eagerTraces.get(0);
        assertTrue(first.size() > 100, "the trace is empty");
        // Two runs have their arenas in different places; within a run nothing moves, so that addresses are compared by order of use.
        assertEquals(places(eagerTraces), places(graphTraces));
    }

    /** Gathers and reductions of a data-parallel job run between the pieces. */
    @ParameterizedTest
    @CsvSource({"1, 2, 1, 4", "1, 2, 1, 2", "2, 1, 1, 2", "2, 2, 1, 1", "2, 1, 2, 1"})
    void layoutsWithGraphsGiveTheSameBits(int pipeline, int data, int virtual, int microBatch) {
        String mesh = "mesh={pipeline: " + pipeline + ", data: " + data + ", tensor: 1, virtual_stages: " + virtual + "}";
        TrainConfig config = config(mesh, "model.layers=4", "batch.micro_batch=" + microBatch);
        List<RecordingBackend> backends = new ArrayList<>();
        LayoutRun eager = inProcess(with(config, "off"), new ArrayList<>());
        LayoutRun graphs = inProcess(config, backends);
        assertEquals(eager.losses(), graphs.losses());
        assertEquals(eager.gradients(), graphs.gradients());
        assertEquals(eager.weights(), graphs.weights());
        for (RecordingBackend backend : backends) {
            assertTrue(backend.launches() > STEPS, "no graphs were launched");
            assertEquals(0, backend.liveGraphs());
        }
    }

    @Test
    void collectivesThatADeviceCannotRecordKeepLayersEager() {
        TrainConfig config = config("mesh={data: 1, tensor: 2}");
        List<RecordingBackend> backends = new ArrayList<>();
        LayoutRun eager = inProcess(with(config, "off"), new ArrayList<>());
        assertEquals(eager.weights(), inProcess(config, backends).weights());
        backends.forEach(b -> assertEquals(0, b.launches()));
    }

    @Test
    void aFailedRecordingEndsInEagerSteps() {
        TrainConfig config = config();
        LayoutRun eager;
        try (Backend backend = new CpuBackend(1)) {
            eager = LayoutRun.alone(config, new Sawtooth(40_000), STEPS, backend);
        }
        try (RecordingBackend backend = new RecordingBackend(new CpuBackend(1))) {
            backend.refuse();
            LayoutRun run = LayoutRun.alone(config, new Sawtooth(40_000), STEPS, backend);
            assertEquals(0, backend.launches());
            assertEquals(0, backend.liveGraphs());
            assertEquals(eager.losses(), run.losses());
            assertEquals(eager.weights(), run.weights());
        }
    }

    @Test
    void whatCannotBeRecordedIsRefusedWhenAskedFor() {
        UserError cpu = assertThrows(UserError.class, () -> config("device.cuda_graph=on"));
        assertTrue(cpu.getMessage().contains("device.cuda_graph: on needs kind cuda"), cpu.getMessage());
    }

    private static TrainConfig config(String... overrides) {
        return TrainerTest.config(Path.of("none"), overrides);
    }

    private static TrainConfig with(TrainConfig config, String graphs) {
        DeviceConfig d = config.device();
        return config.on(new DeviceConfig(
                d.kind(), d.threads(), d.deterministic(), d.precision(), DeviceConfig.Graphs.valueOf(graphs.toUpperCase(java.util.Locale.ROOT))));
    }

    private static LayoutRun alone(TrainConfig config, List<List<String>> traces, int launches) {
        try (RecordingBackend backend = new RecordingBackend(new CpuBackend(1))) {
            LayoutRun run = LayoutRun.alone(config, new Sawtooth(40_000), STEPS, backend);
            traces.add(backend.trace());
            assertEquals(launches, backend.launches());
            assertEquals(0, backend.liveGraphs());
            return run;
        }
    }

    private static LayoutRun inProcess(TrainConfig config, List<RecordingBackend> backends) {
        return LayoutRun.inProcess(config, new Sawtooth(40_000), STEPS, rank -> {
            RecordingBackend backend = new RecordingBackend(new CpuBackend());
            backends.add(backend);
            return backend;
        }, Duration.ofMinutes(1));
    }

    // Addresses by the order in which a run first uses them.
    private static List<String> places(List<List<String>> traces) {
        List<String> known = new ArrayList<>();
        List<String> out = new ArrayList<>();
        for (String line : traces.get(0)) {
            StringBuilder s = new StringBuilder();
            for (String word : line.split("(?<= )")) {
                int at = word.indexOf('@');
                if (at < 0) {
                    s.append(word);
                    continue;
                }
                String address = word.substring(at).trim();
                if (!known.contains(address)) {
                    known.add(address);
                }
                s.append(word, 0, at).append('#').append(known.indexOf(address)).append(' ');
            }
            out.add(s.toString());
        }
        return out;
    }
}
