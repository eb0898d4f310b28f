package org.longhaul.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/**
 * What a checkpoint keeps of a run beside tensors.
 *
 * @param step optimizer steps taken, skipped ones included
 * @param consumed samples consumed in the data stage
 * @param stage number of the data stage
 * @param skipped steps whose update was dropped
 * @param skippedInRow of those, how many lie directly behind us
 * @param losses accepted losses that the spike detector remembers
 * @param norms accepted gradient norms that the spike detector remembers
 */
record RunState(long step, long consumed, int stage, long skipped, int skippedInRow, double[] losses, double[] norms) {
    private static final ObjectMapper JSON = new ObjectMapper();

    static RunState start(int stage) {
        return new RunState(0, 0, stage, 0, 0, new double[0], new double[0]);
    }

    JsonNode json() {
        return JSON.valueToTree(this);
    }

    static RunState of(JsonNode json) {
        return JSON.convertValue(json, RunState.class);
    }
}
