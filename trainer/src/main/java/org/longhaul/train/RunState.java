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
 * @param earlierTokens tokens consumed in the data stages before it
 * @param skipped steps whose update was dropped
 * @param skippedInRow of those, how many lie directly behind us
 * @param losses accepted losses that the spike detector remembers
 * @param norms accepted gradient norms that the spike detector remembers
 * @param rollbacks roll-backs since training last got a window of steps beyond one
 * @param rolledBackFrom the farthest step that one of them gave up
 * @param updates steps whose update was made, which the moments' bias correction goes by; states without it count every step
 */
@JsonIgnoreProperties(ignoreUnknown = true)
record RunState(
        long step, long consumed, int stage, long earlierTokens, long skipped, int skippedInRow, double[] losses, double[] norms, int rollbacks,
        long rolledBackFrom, Long updates) {
    private static final ObjectMapper JSON = new ObjectMapper();

    RunState {
        updates = updates == null ? Long.valueOf(step) : updates;
    }

    static RunState start(int stage) {
        return new RunState(0, 0, stage, 0, 0, 0, new double[0], new double[0], 0, 0, 0L);
    }

    /** The same at the first sample of another data stage; samples of this one had {@code context} tokens. */
    RunState inStage(int other, int context) {
        return new RunState(step, 0, other, tokens(context), skipped, 0, losses, norms, rollbacks, rolledBackFrom, updates);
    }

    /** This older state's step with the place in the data of a newer one, whose batches are given up. The older one may be of another data stage. */
    RunState behind(RunState given, int allRollbacks) {
        return new RunState(step, given.consumed, given.stage, given.earlierTokens, given.skipped, 0, losses, norms, allRollbacks,
                Math.max(given.step, given.rolledBackFrom), updates);
    }

    /** The same with so many samples left out. */
    RunState past(long samples) {
        return new RunState(step, consumed + samples, stage, earlierTokens, skipped, skippedInRow, losses, norms, rollbacks, rolledBackFrom, updates);
    }

    /** Tokens consumed in all data stages, where the present one's samples have {@code context} tokens. */
    long tokens(int context) {
        return earlierTokens + consumed * context;
    }

    ObjectNode json() {
        return JSON.valueToTree(this);
    }

    static RunState of(JsonNode json) {
        RunState state = JSON.convertValue(json, RunState.class);
        return json.has("earlierTokens") ? state : state.after(Mixture.earlierTokens(json));
    }

    private RunState after(long earlier) {
        return new RunState(step, consumed, stage, earlier, skipped, skippedInRow, losses, norms, rollbacks, rolledBackFrom, updates);
    }
}
