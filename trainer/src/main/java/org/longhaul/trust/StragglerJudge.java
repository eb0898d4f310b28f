package org.longhaul.trust;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Tells which ranks compute slower than the others that have the same work, look after look. A rank is named once when it has been
 * slow long enough, and again only after it has been as fast as the others.
 */
public final class StragglerJudge {
    private final int[] work;
    private final double ratio;
    private final int looks;
    private final int[] slowInRow;

    /**
     * Starts with all ranks sound.
     *
     * @param work of each rank: only ranks of equal numbers are compared
     * @param config what counts as slow
     */
    public StragglerJudge(int[] work, StragglerConfig config) {
        this.work = work.clone();
        this.ratio = config.ratio();
        this.looks = config.looks();
        this.slowInRow = new int[work.length];
    }

    /**
     * A slow rank.
     *
     * @param seconds it computed in the measured step
     * @param others median of the ranks with the same work
     */
    public record Slow(int rank, double seconds, double others) {
        /** How many times the others' median. */
        public double ratio() {
            return seconds / others;
        }
    }

    /** Judges one measured step, seconds by rank, and answers who has just been slow for long enough. */
    public List<Slow> look(double[] seconds) {
        List<Slow> found = new ArrayList<>();
        for (int r = 0; r < seconds.length; r++) {
            double others = others(seconds, r);
            slowInRow[r] = seconds[r] > ratio * others ? slowInRow[r] + 1 : 0;
            if (slowInRow[r] == looks) {
                found.add(new Slow(r, seconds[r], others));
            }
        }
        return found;
    }

    // Infinite where nobody has the same work.
    private double others(double[] seconds, int rank) {
        double[] peers = new double[seconds.length];
        int n = 0;
        for (int r = 0; r < seconds.length; r++) {
            if (r != rank && work[r] == work[rank]) {
                peers[n++] = seconds[r];
            }
        }
        return n == 0 ? Double.POSITIVE_INFINITY : median(Arrays.copyOf(peers, n));
    }

    /** The middle value, or the mean of the two middle ones. */
    public static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
}
