package org.longhaul.checkpoint;

/**
 * One checkpoint folder as found.
 *
 * @param name the folder: {@code step-00001234}, or {@code step-00001234.2} where the step was saved again
 * @param step optimizer steps taken
 * @param complete whether it was committed and has not been found damaged since
 * @param problem why it is not complete, empty when it is
 * @param kind ephemeral or permanent; null when not complete
 * @param bytes size of the data files; 0 when not complete
 * @param created when it was committed, ISO 8601 UTC; empty when not complete
 */
public record CheckpointInfo(String name, long step, boolean complete, String problem, SaveKind kind, long bytes, String created) {}
