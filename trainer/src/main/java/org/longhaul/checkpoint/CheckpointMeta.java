package org.longhaul.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import org.longhaul.model.ModelConfig;

/**
 * Everything in a checkpoint beside tensors.
 *
 * @param step optimizer steps taken
 * @param kind ephemeral or permanent
 * @param model the decoder's shape
 * @param configYaml the merged training configuration as YAML; empty where there is none (an imported model)
 * @param fingerprints of the tokenizer and the data sets, by name: {@code tokenizer}, {@code dataset.<source>}
 * @param state the trainer's own: consumed samples per source and stage, generator and schedule state
 */
public record CheckpointMeta(
        long step, SaveKind kind, ModelConfig model, String configYaml, Map<String, String> fingerprints, JsonNode state) {
    /** Checks the step. */
    public CheckpointMeta {
        if (step < 0) {
            throw new IllegalArgumentException("step must not be negative: " + step);
        }
        fingerprints = Map.copyOf(fingerprints);
    }
}
