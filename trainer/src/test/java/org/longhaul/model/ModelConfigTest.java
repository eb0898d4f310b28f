package org.longhaul.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.longhaul.config.ConfigLoader;

class ModelConfigTest {
    @Test
    void whatIsPrintedCanBePastedIntoAConfiguration() {
        ModelConfig model = new ModelConfig(2, 64, 4, 2, 0, 1000, 128, 500_000, 1e-5, 0.02);
        assertEquals(model, ConfigLoader.parse(model.toString(), "printed", List.of(), ModelConfig.class));
    }
}
