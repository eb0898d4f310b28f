package org.longhaul.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.longhaul.checkpoint.Fixtures.BACKEND;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.model.ModelConfig;
import org.longhaul.model.ParameterLayout;
import org.longhaul.model.ParameterStore;
import org.longhaul.model.StageRange;
import org.longhaul.parallel.Communicator;
import org.longhaul.parallel.HostCommunicator;
import org.longhaul.tensor.Host;
import org.longhaul.tensor.Tensor;

/** The state of every layout, saved and resumed on every other, is the state of one rank. */
class StateBoxesTest {
    private static final ModelConfig MODEL = new ModelConfig(3, 16, 4, 2, 24, 40, 8, 10000, 1e-6, 0.006);

    /** Pipeline × data × tensor. */
    private record Layout(int pipeline, int data, int tensor) {
        int ranks() {
            return pipeline * data * tensor;
        }

        ParameterStore store(int rank) {
            int t = rank % tensor;
            int d = rank / tensor % data;
            int p = rank / tensor / data;
            Communicator group = HostCommunicator.inProcess("data", Collections.nCopies(data, BACKEND), Duration.ofMinutes(1)).get(d);
            return new ParameterStore(BACKEND, new ParameterLayout(MODEL, StageRange.of(MODEL, p, pipeline), t, tensor, data), group, true);
        }
    }

    @TempDir
    Path folder;

    @Test
    void everyLayoutResumesFromEveryOther() {
        List<Layout> layouts = List.of(new Layout(1, 1, 1), new Layout(1, 4, 1), new Layout(1, 1, 2), new Layout(3, 1, 1),
                new Layout(2, 3, 2));
        for (Layout from : layouts) {
            String root = folder.resolve(from.toString()).toString();
            List<SaveStats> stats = ThreadRanks.run(from.ranks(), group -> {
                ParameterStore state = from.store(group.rank());
                StateBoxes.saved(state).forEach(d -> Fixtures.fill(d, 5));
                return Fixtures.save(CheckpointStore.open(root, group), Fixtures.meta(5), StateBoxes.saved(state), Fixtures.KEEP_ALL);
            });
            stats.forEach(s -> assertEquals(1, s.saves(), from.toString()));
            for (Layout to : layouts) {
                String where = from + " to " + to;
                ThreadRanks.run(to.ranks(), group -> {
                    ParameterStore state = to.store(group.rank());
                    CheckpointStore.open(root, group).loadNewest(BACKEND, c -> StateBoxes.resumed(state)).orElseThrow();
                    assertEquals(List.of(), Fixtures.differences(StateBoxes.saved(state), 5), where);
                    assertEquals(List.of(), Fixtures.differences(StateBoxes.weights(state), 5), where);
                    return 0;
                });
            }
        }
    }

    @Test
    void whatIsSavedIsEveryParameterThrice() {
        ParameterStore state = new Layout(1, 1, 1).store(0);
        long saved = StateBoxes.saved(state).stream().mapToLong(d -> d.box().elements()).sum();
        assertEquals(3 * state.layout().parameterCount(), saved);
        assertEquals(state.layout().parameterCount(), StateBoxes.initial(state).stream().mapToLong(d -> d.box().elements()).sum());
        List<String> names = new ArrayList<>();
        StateBoxes.saved(state).forEach(d -> names.add(d.box().tensor()));
        assertEquals(names.stream().distinct().toList(), names);
        Tensor all = state.weights();
        assertArrayEquals(Host.floats(BACKEND, all), Host.floats(BACKEND, state.master()));
    }
}
