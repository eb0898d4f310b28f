package org.longhaul.train;

import java.util.function.IntConsumer;
import org.longhaul.model.ParameterLayout;
import org.longhaul.profile.Phases;

/** Tells the layers of a forward or backward as phases, from the buckets that it passes. */
final class PassPhases {
    private PassPhases() {}

    static void forward(Phases phases, ParameterLayout layout, int microBatch, MicroGraphs.Part part, IntConsumer needed) {
        if (!phases.on()) {
            part.run(needed);
            return;
        }
        phases.open("forward of micro-batch " + microBatch);
        boolean[] open = {false};
        part.run(bucket -> {
            if (open[0]) {
                phases.close();
            }
            needed.accept(bucket);
            // The head's weights are asked for at the end of the forward; the head itself runs with the backward.
            open[0] = !layout.stage().last() || bucket != layout.headBucket();
            if (open[0]) {
                phases.open("forward " + layout.buckets().get(bucket).name());
            }
        });
        if (open[0]) {
            phases.close();
        }
        phases.close();
    }

    static void backward(Phases phases, ParameterLayout layout, int microBatch, MicroGraphs.Part part, IntConsumer ready) {
        if (!phases.on()) {
            part.run(ready);
            return;
        }
        phases.open("backward of micro-batch " + microBatch);
        // Buckets are in the order of the forward, norm weights last.
        phases.open("backward " + layout.buckets().get(layout.normBucket() - 1).name());
        part.run(bucket -> {
            phases.close();
            ready.accept(bucket);
            if (bucket > 0) {
                phases.open("backward " + layout.buckets().get(bucket - 1).name());
            }
        });
        phases.close();
    }
}
