package org.longhaul.profile;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * What happened on one rank while its profile was on; all times in milliseconds since then.
 *
 * @param thread whose phases these are
 * @param endMs when the device had done all of it
 * @param host phases on the host's clock, in the order in which they ended
 * @param device the same phases by when the compute stream passed their ends
 * @param operations in order; they do not overlap
 * @param transfers collectives and messages by stream
 * @param streams names; 0 is the compute stream
 */
public record StepTimes(
        String thread, double endMs, List<Range> host, List<Range> device, List<OpsProfile.Span> operations, List<Transfer> transfers,
        List<String> streams) {
    /** A phase; {@code depth} counts the phases around it. */
    public record Range(String name, int depth, double startMs, double endMs) {}

    /** A collective or message; its time counts waiting for other ranks. */
    public record Transfer(String name, int stream, double startMs, double endMs, double bytes) {}

    /** Time in which operations ran. */
    public double busyMs() {
        return operations.stream().mapToDouble(OpsProfile.Span::ms).sum();
    }

    /** Time in which transfers ran, on one stream or several. */
    public double communicationMs() {
        return length(merged(transfers.stream().map(t -> new double[] {t.startMs, t.endMs}).toList()));
    }

    /** Time in which a transfer ran and no operation. */
    public double exposedCommunicationMs() {
        List<double[]> all = new ArrayList<>();
        transfers.forEach(t -> all.add(new double[] {t.startMs, t.endMs}));
        operations.forEach(o -> all.add(new double[] {o.startMs(), o.endMs()}));
        return length(merged(all)) - length(merged(operations.stream().map(o -> new double[] {o.startMs(), o.endMs()}).toList()));
    }

    /** Time in which neither ran. */
    public double idleMs() {
        return endMs - busyMs() - exposedCommunicationMs();
    }

    private static List<double[]> merged(List<double[]> intervals) {
        List<double[]> sorted = new ArrayList<>(intervals);
        sorted.sort(Comparator.comparingDouble(i -> i[0]));
        List<double[]> out = new ArrayList<>();
        for (double[] i : sorted) {
            double[] last = out.isEmpty() ? null : out.get(out.size() - 1);
            if (last != null && i[0] <= last[1]) {
                last[1] = Math.max(last[1], i[1]);
            } else {
                out.add(i.clone());
            }
        }
        return out;
    }

    private static double length(List<double[]> intervals) {
        return intervals.stream().mapToDouble(i -> i[1] - i[0]).sum();
    }
}
