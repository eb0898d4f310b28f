package org.longhaul.train;

import java.util.List;
import org.longhaul.config.ConfigReference;

/** Puts the training file into the configuration reference. */
public final class TrainReference implements ConfigReference.Provider {
    @Override
    public List<ConfigReference.Root> roots() {
        return List.of(new ConfigReference.Root("Training", "longhaul train CONFIG [key=value …]", TrainConfig.class));
    }
}
