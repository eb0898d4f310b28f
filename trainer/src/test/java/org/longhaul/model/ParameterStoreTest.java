package org.longhaul.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.longhaul.natives.CpuBackend;
import org.longhaul.parallel.Communicator;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Host;

class ParameterStoreTest {
    /** Norm weights begin at one, everything else normal around zero with the model's init_std. */
    @Test
    void initialWeightsHaveTheConfiguredSpread() {
        double std = 0.006;
        ModelConfig model = new ModelConfig(1, 256, 4, 2, 512, 512, 16, 10000, 1e-6, std);
        try (Backend backend = new CpuBackend(1);
                ParameterStore store = new ParameterStore(backend, ParameterLayout.single(model), Communicator.single("data"), false)) {
            store.initialise(17);
            for (ParameterSpec spec : store.layout().parameters()) {
                float[] values = Host.floats(backend, store.weight(spec.name()));
                double sum = 0;
                double squares = 0;
                for (float v : values) {
                    sum += v;
                    squares += (double) v * v;
                }
                boolean norm = spec.shape().length == 1;
                double root = Math.sqrt(values.length);
                // Five standard errors, of the mean and of the spread.
                assertEquals(norm ? 1 : 0, sum / values.length, norm ? 0 : 5 * std / root, spec.name());
                assertEquals(norm ? 1 : std, Math.sqrt(squares / values.length), norm ? 0 : 5 * std / root / Math.sqrt(2), spec.name());
            }
        }
    }
}
