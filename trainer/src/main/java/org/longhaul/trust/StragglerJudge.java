package org.longhaul.trust;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Tells which ranks compute slower than they should, look after look. A rank is measured by the ranks that have the same work; where there are
 * none, as in a pipeline without replicas, by its share of the planned work against the other ranks' and, since plans are rough, more sharply
 * by its own first looks, against how the others' times changed since theirs. A rank is named once when it has been slow long enough, and again
 * only after it has been as fast as it should.
 */
public final class StragglerJudge {
    // The first look of a process warms caches up and chooses algorithms.
    private static final int WARM = 1;
    private static final int FIRST = 5;

    private final int[] work;
    private final double[] planned;
    private final double ratio;
    private final double planRatio;
    private final int looks;
    private final int[] slowInRow;
    private final double[][] first;
    private final double[] normal;
    private int seen;

    /** What a rank is slow against. */
    public enum Basis {
        /** The median of the ranks that have the same work. */
        PEERS,
        /** What its share of the plan takes at the other ranks' median speed. */
        PLAN,
        /** Its own first looks, by as much as the other ranks' median has changed since. */
        PAST
    }

    /**
     * Starts with all ranks sound.
     *
     * @param work of each rank: only ranks of equal numbers are peers
     * @param planned work of each rank, in any unit above 0
     * @param config what counts as slow
     */
    public StragglerJudge(int[] work, double[] planned, StragglerConfig config) {
        this.work = work.clone();
        this.planned = planned.clone();
        this.ratio = config.ratio();
        this.planRatio = config.planRatio();
        this.looks = config.looks();
        this.slowInRow = new int[work.length];
        this.first = new double[work.length][FIRST];
        this.normal = new double[work.length];
    }

    /**
     * A slow rank.
     *
     * @param seconds it computed in the measured step
     * @param expected seconds that it should have taken
     * @param basis what says so
     */
    public record Slow(int rank, double seconds, double expected, Basis basis) {
        /** How many times what was expected. */
        public double ratio() {
            return seconds / expected;
        }
    }

    /** Judges one measured step, seconds by rank, and answers who has just been slow for long enough. */
    public List<Slow> look(double[] seconds) {
        learn(seconds);
        List<Slow> found = new ArrayList<>();
        for (int r = 0; r < seconds.length; r++) {
            Slow slow = judge(seconds, r);
            slowInRow[r] = slow != null ? slowInRow[r] + 1 : 0;
            if (slow != null && slowInRow[r] == looks) {
                found.add(slow);
            }
        }
        return found;
    }

    /** The ranks that have been slow for long enough, named before or not, at the last look. */
    public List<Integer> slow() {
        return IntStream.range(0, slowInRow.length).filter(r -> slowInRow[r] >= looks).boxed().toList();
    }

    private void learn(double[] seconds) {
        if (seen >= WARM && seen < WARM + FIRST) {
            for (int r = 0; r < seconds.length; r++) {
                first[r][seen - WARM] = seconds[r];
                normal[r] = seen == WARM + FIRST - 1 ? median(first[r]) : 0;
            }
        }
        seen++;
    }

    // Null for a rank that is as fast as it should be.
    private Slow judge(double[] seconds, int rank) {
        double peers = others(seconds, rank, true, null);
        if (peers > 0) {
            return seconds[rank] > ratio * peers ? new Slow(rank, seconds[rank], peers, Basis.PEERS) : null;
        }
        if (seen > WARM + FIRST && normal[rank] > 0) {
            double expected = normal[rank] * others(seconds, rank, false, normal);
            if (expected > 0 && seconds[rank] > ratio * expected) {
                return new Slow(rank, seconds[rank], expected, Basis.PAST);
            }
        }
        double expected = planned[rank] * others(seconds, rank, false, planned);
        return expected > 0 && seconds[rank] > planRatio * expected ? new Slow(rank, seconds[rank], expected, Basis.PLAN) : null;
    }

    // The other ranks' median of seconds, or of seconds by unit; 0 where there are none.
    private double others(double[] seconds, int rank, boolean sameWork, double[] unit) {
        double[] values = new double[seconds.length];
        int n = 0;
        for (int r = 0; r < seconds.length; r++) {
            if (r != rank && (!sameWork || work[r] == work[rank]) && (unit == null || unit[r] > 0)) {
                values[n++] = unit == null ? seconds[r] : seconds[r] / unit[r];
            }
        }
        return n == 0 ? 0 : median(Arrays.copyOf(values, n));
    }

    /** The middle value, or the mean of the two middle ones. */
    public static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
}
