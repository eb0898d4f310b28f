package org.longhaul.bench;

/**
 * What one program did on one shape.
 *
 * @param program {@code longhaul} or the peer's variant
 * @param shape {@link BenchShape#name}
 * @param stepSeconds median over the measured steps
 * @param fastestSeconds the fastest of them
 * @param tokensPerSecond at the median
 * @param teraflops with full attention and head
 * @param peakGib GPU memory held at most, in GiB
 * @param firstLoss loss of the first step, nats
 * @param lastLoss loss of the last step, nats
 * @param remark how it ran, or why not
 */
record BenchResult(
        String program, String shape, double stepSeconds, double fastestSeconds, double tokensPerSecond, double teraflops, double peakGib,
        double firstLoss, double lastLoss, String remark) {
    static BenchResult failed(String program, String shape, String why) {
        return new BenchResult(program, shape, 0, 0, 0, 0, 0, 0, 0, why);
    }

    boolean ran() {
        return stepSeconds > 0;
    }
}
