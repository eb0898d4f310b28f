package org.longhaul.tokenizer.train;

/** Reads the neighbours in a range of words, many at once: callers loop over arrays, without a call for each. */
final class WindowReader {
    private static final int BATCH = 1 << 10;

    /** Pairs of symbols. */
    final long[] pairs = new long[BATCH];
    /** Where their left symbols start. */
    final int[] positions = new int[BATCH];
    /** How often their words occur. */
    final long[] counts = new long[BATCH];
    private final TrainingWords words;
    private final int[] lengths;
    private final long end;
    private long position;
    private int left = TrainingWords.END;
    private int leftPosition;
    private int run;
    private long count;

    WindowReader(TrainingWords words, TrainingTokens tokens, long from, long end) {
        this.words = words;
        lengths = tokens.lengths;
        position = from;
        this.end = end;
    }

    /** Reads the next ones and returns how many, 0 at the end. */
    int read() {
        int n = 0;
        while (n < BATCH && position < end) {
            int symbol = words.at((int) position);
            if (symbol < 0) {
                left = symbol;
                position++;
                continue;
            }
            if (left >= 0) {
                pairs[n] = PairTable.pair(left, symbol);
                positions[n] = leftPosition;
                counts[n++] = count;
            } else {
                count = count();
            }
            left = symbol;
            leftPosition = (int) position;
            position += lengths[symbol];
        }
        return n;
    }

    private long count() {
        CountRuns runs = words.counts;
        while (runs.end(run) <= position) {
            run++;
        }
        return runs.count(run);
    }
}
