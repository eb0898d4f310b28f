package org.longhaul.checkpoint;

/**
 * How saving went so far, for metrics.
 *
 * @param saves committed
 * @param failures given up
 * @param lastStep step of the last committed one, −1 before the first
 * @param lastBytes this rank's bytes of the last save
 * @param lastStallSeconds how long the last save held training up: waiting for the save before, and copying
 * @param totalStallSeconds the same over all saves
 * @param lastWriteSeconds how long the last one took in the background
 * @param lastSeconds from when the state of the last committed one was taken until it was complete
 */
public record SaveStats(
        long saves, long failures, long lastStep, long lastBytes, double lastStallSeconds, double totalStallSeconds, double lastWriteSeconds,
        double lastSeconds) {
    static final SaveStats NONE = new SaveStats(0, 0, -1, 0, 0, 0, 0, 0);

    SaveStats stalled(double seconds, long bytes) {
        return new SaveStats(saves, failures, lastStep, bytes, seconds, totalStallSeconds + seconds, lastWriteSeconds, lastSeconds);
    }

    SaveStats committed(long step, double seconds, double all) {
        return new SaveStats(saves + 1, failures, step, lastBytes, lastStallSeconds, totalStallSeconds, seconds, all);
    }

    SaveStats failed(double seconds) {
        return new SaveStats(saves, failures + 1, lastStep, lastBytes, lastStallSeconds, totalStallSeconds, seconds, lastSeconds);
    }
}
