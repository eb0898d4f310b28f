package org.longhaul.train;

import java.util.ArrayList;
import java.util.List;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Tensor;
import org.longhaul.trust.NonFiniteReport;

/**
 * Looks at what the layers of one rank hand on while a batch is computed again, and keeps the first micro-batch and layer whose output is no
 * number. The first pass looks at each micro-batch's end, the second at every layer of the one that was found.
 */
final class LayerProbe {
    private final Backend backend;
    private int suspect = -1;
    private boolean layers;
    private final List<NonFiniteReport> found = new ArrayList<>();

    LayerProbe(Backend backend) {
        this.backend = backend;
    }

    /** Starts the second pass. */
    void layers() {
        layers = true;
    }

    /** Whether the layers of a micro-batch are wanted. */
    boolean wants(int microBatch) {
        return layers && microBatch == suspect && found.isEmpty();
    }

    /** Looks at what a layer left; {@code what} names it. */
    void layer(int microBatch, String what, List<Tensor> output) {
        for (Tensor t : output) {
            NonFiniteReport.scan(backend, List.of(t)).stream().findFirst().filter(r -> found.isEmpty())
                    .ifPresent(r -> found.add(new NonFiniteReport(what + " in micro-batch " + microBatch, r.count(), r.firstElement(), r.elements())));
        }
    }

    /** Looks at what a stage hands on. */
    void end(int microBatch, Tensor output) {
        if (!layers && suspect < 0 && !NonFiniteReport.scan(backend, List.of(output)).isEmpty()) {
            suspect = microBatch;
        }
    }

    /** What was found: nothing, or the first output that is no number. */
    List<NonFiniteReport> found() {
        return List.copyOf(found);
    }
}
