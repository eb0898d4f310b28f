package org.longhaul.checkpoint;

import java.util.Optional;

/**
 * How one save ended, for metrics.
 *
 * @param step whose state it took
 * @param bytes of this rank
 * @param stallSeconds how long it held training up: waiting for the save before, and copying
 * @param writeSeconds how long it took in the background
 * @param failure why it was given up; empty when it was committed
 */
public record SaveOutcome(long step, long bytes, double stallSeconds, double writeSeconds, Optional<String> failure) {}
