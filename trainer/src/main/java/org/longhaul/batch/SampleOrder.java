package org.longhaul.batch;

/**
 * Which tokens the k-th training sample is: a pure function of (seed, stage, k) over the token stream. Samples are the
 * disjoint windows of {@code context} tokens, each epoch in another order; a sample brings one token more, its last target.
 */
public final class SampleOrder {
    private final TokenSource tokens;
    private final int context;
    private final long seed;
    private final int stage;
    private final long samples;
    private Permutation epoch;
    private long epochNumber = -1;

    /**
     * An order of samples.
     *
     * @param stage number of the data stage; a new mixture opens a new one
     */
    public SampleOrder(TokenSource tokens, int context, long seed, int stage) {
        this.tokens = tokens;
        this.context = context;
        this.seed = seed;
        this.stage = stage;
        this.samples = Math.max(0, (tokens.tokens() - 1) / context);
    }

    /** Samples of one epoch. */
    public long samples() {
        return samples;
    }

    /** Index of the window that the k-th sample reads. */
    public synchronized long window(long k) {
        if (k / samples != epochNumber) {
            epochNumber = k / samples;
            epoch = new Permutation(samples, seed, stage, epochNumber);
        }
        return epoch.at(k % samples);
    }

    /** Writes for each of the k-th sample's {@code context} inputs the position in the sample at which its document begins, from {@code offset}. */
    public void documentStarts(long k, int[] starts, int offset) {
        tokens.documentStarts(window(k) * context, starts, offset, context);
    }

    /** Writes the k-th sample's inputs and targets, {@code context} each, from {@code offset}. */
    public void read(long k, int[] inputs, int[] targets, int offset) {
        long position = window(k) * context;
        tokens.read(position, inputs, offset, context);
        System.arraycopy(inputs, offset + 1, targets, offset, context - 1);
        tokens.read(position + context, targets, offset + context - 1, 1);
    }
}
