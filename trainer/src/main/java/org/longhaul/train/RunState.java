package org.longhaul.train;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

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
 * @param rollbacks roll-backs since training last got a window of steps beyond one
 * @param rolledBackFrom the farthest step that one of them gave up
 */
@JsonIgnoreProperties(ignoreUnknown = true)
record RunState(
        long step, long consumed, int stage, long skipped, int skippedInRow, double[] losses, double[] norms, int rollbacks, long rolledBackFrom) {
    private static final ObjectMapper JSON = new ObjectMapper();

    static RunState start(int stage) {
        return new RunState(0, 0, stage, 0, 0, new double[0], new double[0], 0, 0);
    }

    /** The same at the first sample of another data stage. */
    RunState inStage(int other) {
        return new RunState(step, 0, other, skipped, 0, losses, norms, rollbacks, rolledBackFrom);
    }

    /** The same behind a batch that was given up. */
    RunState behind(long sample, long allSkipped, int allRollbacks, long from) {
        return new RunState(step, sample, stage, allSkipped, 0, losses, norms, allRollbacks, from);
    }

    ObjectNode json() {
        return JSON.valueToTree(this);
    }

    static RunState of(JsonNode json) {
        return JSON.convertValue(json, RunState.class);
    }
}
