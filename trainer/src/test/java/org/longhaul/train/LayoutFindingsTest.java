package org.longhaul.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.longhaul.parallel.Mesh;
import org.longhaul.train.FuzzJob.Leg;
import org.longhaul.train.FuzzJob.Phase;
import org.longhaul.train.FuzzJob.Start;
import org.longhaul.train.FuzzJob.Stop;
import org.longhaul.train.FuzzRig.Failure;

/** Jobs that {@link LayoutFuzzTest} found to go wrong once, as small as it could make them. */
class LayoutFindingsTest {
    @TempDir
    private Path folder;

    /** A replica without a validation batch left the others waiting for its part of the weights. */
    @Test
    void fewerValidationBatchesThanReplicas() throws IOException {
        passes(keys("validation.every=1", "validation.tokens=5"), "", phase(3, leg(new Mesh(1, 2, 1, 1))));
        passes(keys("validation.every=2", "validation.tokens=30", "model.layers=2"), "", phase(3, leg(new Mesh(2, 4, 1, 1))));
    }

    private void passes(SortedMap<String, String> keys, String faults, Phase... phases) throws IOException {
        FuzzJob job = new FuzzJob(keys, 20_000, faults, List.of(phases));
        Failure failure = new FuzzRig(folder).run(job);
        if (failure != null) {
            throw new AssertionError(failure + "\n" + job, failure.cause());
        }
    }

    private static SortedMap<String, String> keys(String... overrides) {
        SortedMap<String, String> keys = new TreeMap<>();
        for (String o : overrides) {
            keys.put(o.substring(0, o.indexOf('=')), o.substring(o.indexOf('=') + 1));
        }
        return keys;
    }

    private static Phase phase(long steps, Leg... legs) {
        return new Phase(Start.SAME_OUTPUT, keys("steps=" + steps), 0, steps, List.of(legs));
    }

    private static Leg leg(Mesh mesh, String... overrides) {
        return new Leg(mesh, keys(overrides), Stop.END, 0, 0, false);
    }
}
