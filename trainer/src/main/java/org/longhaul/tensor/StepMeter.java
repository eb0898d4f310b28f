package org.longhaul.tensor;

/**
 * Measures a stretch of work on a device's compute stream: how long it took, and how much of that the stream waited for other streams or
 * took part in collectives. What is left is the device's own work and the host's pauses.
 */
public interface StepMeter extends AutoCloseable {
    /** Work enqueued from now on is measured. */
    void begin();

    /** The stretch ends behind what is enqueued so far. */
    void end();

    /** The last stretch; its work must be done. */
    Reading read();

    @Override
    void close();

    /** Seconds in all, and of these waiting. */
    record Reading(double total, double waiting) {}

    /** By the host's clock, for work that is done when a call returns. */
    static StepMeter host(HostStream compute) {
        return new StepMeter() {
            private long start;
            private long waited;
            private Reading reading;

            @Override
            public void begin() {
                start = System.nanoTime();
                waited = compute.waitedNanos();
            }

            @Override
            public void end() {
                reading = new Reading((System.nanoTime() - start) / 1e9, (compute.waitedNanos() - waited) / 1e9);
            }

            @Override
            public Reading read() {
                return reading;
            }

            @Override
            public void close() {}
        };
    }
}
