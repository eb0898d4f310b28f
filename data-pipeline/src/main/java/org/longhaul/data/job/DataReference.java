package org.longhaul.data.job;

import java.util.List;
import org.longhaul.config.ConfigReference;

/** Puts the pipeline's file into the configuration reference. */
public final class DataReference implements ConfigReference.Provider {
    @Override
    public List<ConfigReference.Root> roots() {
        return List.of(new ConfigReference.Root("Data pipeline", "longhaul data run CONFIG [key=value …]", DataConfig.class));
    }
}
