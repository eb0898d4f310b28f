package org.longhaul.parallel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.longhaul.tensor.DType;
import org.longhaul.tensor.HostBackend;
import org.longhaul.tensor.Tensor;

class MeshTest {
    @Test
    void everyRankHasOnePlace() {
        Mesh mesh = new Mesh(3, 2, 4, 1);
        for (int r = 0; r < mesh.size(); r++) {
            assertEquals(r, mesh.rank(mesh.pipelineOf(r), mesh.dataOf(r), mesh.tensorOf(r)));
            assertEquals(r, mesh.tensorGroup(r).get(mesh.tensorOf(r)));
            assertEquals(r, mesh.dataGroup(r).get(mesh.dataOf(r)));
            assertEquals(r, mesh.pipelineGroup(r).get(mesh.pipelineOf(r)));
        }
        assertEquals(List.of(0, 1, 2, 3), mesh.tensorGroup(2));
        assertEquals(List.of(2, 6), mesh.dataGroup(6));
        assertEquals(List.of(1, 9, 17), mesh.pipelineGroup(9));
    }

    @Test
    void fillsInTheDataSizeAndRefusesWhatDoesNotFit() {
        assertEquals(new Mesh(2, 4, 2, 1), new Mesh(2, 0, 2, 1).over(16));
        assertThrows(IllegalArgumentException.class, () -> new Mesh(2, 0, 2, 1).over(6));
        assertThrows(IllegalArgumentException.class, () -> new Mesh(1, 1, 1, 2));
    }

    @Test
    void linksJoinNeighboursAlsoWhenTwoStagesAreBothNeighbours() throws Exception {
        for (int stages : new int[] {2, 3}) {
            Mesh mesh = new Mesh(stages, 1, 2, 2);
            List<HostBackend> backends = new ArrayList<>();
            for (int r = 0; r < mesh.size(); r++) {
                backends.add(new HostBackend());
            }
            List<MeshGroups> groups = MeshGroups.inProcess(mesh, backends, Duration.ofSeconds(20));
            ExecutorService threads = Executors.newFixedThreadPool(mesh.size());
            try {
                List<Future<float[]>> results = new ArrayList<>();
                for (int r = 0; r < mesh.size(); r++) {
                    int rank = r;
                    results.add(threads.submit(() -> ring(groups.get(rank), backends.get(rank))));
                }
                for (int r = 0; r < mesh.size(); r++) {
                    int previous = mesh.rank((mesh.pipelineOf(r) + stages - 1) % stages, 0, mesh.tensorOf(r));
                    int next = mesh.rank((mesh.pipelineOf(r) + 1) % stages, 0, mesh.tensorOf(r));
                    assertEquals(List.of((float) previous, (float) next), List.of(results.get(r).get()[0], results.get(r).get()[1]));
                }
            } finally {
                threads.shutdown();
            }
        }
    }

    /** Sends this rank's number both ways around and returns what came from before and from behind. */
    private static float[] ring(MeshGroups groups, HostBackend backend) {
        MeshGroups.Links links = groups.links().orElseThrow();
        Tensor mine = backend.allocate("mine", 4).tensor("mine", 0, DType.F32, 1);
        Tensor got = backend.allocate("got", 4).tensor("got", 0, DType.F32, 1);
        backend.bytes(mine).putFloat(groups.rank());
        links.forwardOut().send(mine, 1, backend.computeStream());
        links.backwardOut().send(mine, 1, backend.computeStream());
        links.forwardIn().receive(got, 0, backend.computeStream());
        float before = backend.bytes(got).getFloat(0);
        links.backwardIn().receive(got, 0, backend.computeStream());
        return new float[] {before, backend.bytes(got).getFloat(0)};
    }
}
