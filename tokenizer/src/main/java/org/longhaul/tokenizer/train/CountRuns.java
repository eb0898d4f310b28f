package org.longhaul.tokenizer.train;

import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which count the word at a position has. Words lie in order of their counts, so that a few thousand runs say it for millions of
 * positions.
 */
final class CountRuns {
    private static final int SMALL = 1 << 12;
    /** Positions that share an entry of the index. */
    private static final int BLOCK = 6;

    private final long[] starts;
    private final long[] counts;
    private final int[] runOfBlock;

    private CountRuns(long[] starts, long[] counts) {
        this.starts = starts;
        this.counts = counts;
        runOfBlock = new int[Math.toIntExact((starts[counts.length] >> BLOCK) + 1)];
        int run = 0;
        for (int block = 0; block < runOfBlock.length; block++) {
            while (run + 1 < counts.length && starts[run + 1] <= (long) block << BLOCK) {
                run++;
            }
            runOfBlock[block] = run;
        }
    }

    /** The run in which a position lies. */
    int run(long position) {
        int run = runOfBlock[(int) (position >>> BLOCK)];
        while (starts[run + 1] <= position) {
            run++;
        }
        return run;
    }

    /** How many runs there are. */
    int size() {
        return counts.length;
    }

    /** The count of the word at a position. */
    long at(long position) {
        return counts[run(position)];
    }

    /** The count in a run. */
    long count(int run) {
        return counts[run];
    }

    /** Where a run ends. */
    long end(int run) {
        return starts[run + 1];
    }

    /** Adds up how much room the words of each count need. */
    static final class Builder {
        private final long[] small = new long[SMALL];
        private final Map<Long, long[]> large = new TreeMap<>(Collections.reverseOrder());

        private long[] room(long count) {
            return count < SMALL ? small : large.computeIfAbsent(count, c -> new long[1]);
        }

        void add(long count, long positions) {
            room(count)[count < SMALL ? (int) count : 0] += positions;
        }

        /** The runs, highest count first, from {@code first} on; room becomes the place of each run's next word, for {@link #take}. */
        CountRuns build(long first) {
            long[] starts = new long[large.size() + SMALL + 1];
            long[] counts = new long[large.size() + SMALL];
            int runs = 0;
            long at = first;
            for (Map.Entry<Long, long[]> entry : large.entrySet()) {
                starts[runs] = at;
                counts[runs++] = entry.getKey();
                at += entry.getValue()[0];
                entry.getValue()[0] = starts[runs - 1];
            }
            for (int count = SMALL - 1; count >= 0; count--) {
                if (small[count] > 0) {
                    starts[runs] = at;
                    counts[runs++] = count;
                    at += small[count];
                    small[count] = starts[runs - 1];
                }
            }
            starts[runs] = at;
            return new CountRuns(Arrays.copyOf(starts, runs + 1), Arrays.copyOf(counts, runs));
        }

        /** The place of the next word of this count. */
        long take(long count, long positions) {
            long[] place = room(count);
            int index = count < SMALL ? (int) count : 0;
            place[index] += positions;
            return place[index] - positions;
        }
    }
}
