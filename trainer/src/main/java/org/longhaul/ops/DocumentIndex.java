package org.longhaul.ops;

import java.util.Arrays;

/**
 * What attention within documents is told of a micro-batch, as one I32 tensor. First come, for each of the T tokens, the position in its
 * sequence at which its document begins. The rest serves kernels of variable length: each sequence is cut into runs of whole documents,
 * at most {@link #runs} in all; a run's length, where it lies among tokens, packed projections, outputs and statistics, and for each token
 * where its document begins in its run. Runs that are not needed have length 0, so every micro-batch has the same shape.
 *
 * @param shape of the attention, this rank's heads
 */
public record DocumentIndex(AttentionShape shape) {
    /** A run of several documents is at most this part of a sequence, which bounds both the number of runs and what they compute in vain. */
    private static final int PARTS = 4;
    private static final int ALIGNED = 4;

    /** Most runs of a micro-batch: two that follow each other in a sequence are together longer than a run of several documents may be. */
    public int runs() {
        int sequence = shape.sequence();
        return shape.batch() * Math.min(sequence, 2 * (sequence / (longest() + 1)) + 1);
    }

    private int longest() {
        return Math.max(1, shape.sequence() / PARTS);
    }

    /** Elements of the tensor. */
    public int elements() {
        return statistics() + aligned(runs() + 1);
    }

    /** First element of the starts within runs, T. */
    public int within() {
        return aligned((int) shape.tokens());
    }

    /** First element of the lengths, {@link #runs}. */
    public int lengths() {
        return 2 * within();
    }

    /** First element of the runs' first tokens, {@link #runs} + 1, the last being T. */
    public int tokens() {
        return lengths() + aligned(runs());
    }

    /** First element of the runs' places in qkv, in elements of it. */
    public int projections() {
        return tokens() + aligned(runs() + 1);
    }

    /** First element of the runs' places in out, in elements of it. */
    public int outputs() {
        return projections() + aligned(runs() + 1);
    }

    /** First element of the runs' places in lse[B,H,S], in elements of it. */
    public int statistics() {
        return outputs() + aligned(runs() + 1);
    }

    /** Whether the places can be told in 32 bits. */
    public boolean countable() {
        return shape.tokens() * shape.qkvWidth() <= Integer.MAX_VALUE;
    }

    /** Fills {@code index} from the starts of the tokens' documents in their sequences, T. */
    public void fill(int[] starts, int[] index) {
        int sequence = shape.sequence();
        Arrays.fill(index, 0);
        System.arraycopy(starts, 0, index, 0, (int) shape.tokens());
        int run = 0;
        for (int b = 0; b < shape.batch(); b++) {
            int from = 0;
            for (int document = 0; document < sequence; ) {
                int end = end(starts, b * sequence, document);
                if (end - from > longest() && document > from) {
                    run(index, run++, b, from, document);
                    from = document;
                }
                document = end;
            }
            run(index, run++, b, from, sequence);
        }
        for (; run <= runs(); run++) {
            place(index, run, shape.batch(), 0);
        }
    }

    private int end(int[] starts, int origin, int document) {
        if (starts[origin + document] != document) {
            throw new IllegalArgumentException("token " + (origin + document) + " is the first of its document, which is said to begin at "
                    + starts[origin + document] + " of its sequence");
        }
        int end = document + 1;
        while (end < shape.sequence() && starts[origin + end] == document) {
            end++;
        }
        return end;
    }

    private void run(int[] index, int run, int b, int from, int to) {
        place(index, run, b, from);
        index[lengths() + run] = to - from;
        int origin = b * shape.sequence();
        for (int i = origin + from; i < origin + to; i++) {
            index[within() + i] = index[i] - from;
        }
    }

    private void place(int[] index, int run, int b, int from) {
        long token = (long) b * shape.sequence() + from;
        index[tokens() + run] = (int) token;
        index[projections() + run] = (int) (token * shape.qkvWidth());
        index[outputs() + run] = (int) (token * shape.outWidth());
        index[statistics() + run] = (int) ((long) b * shape.heads() * shape.sequence() + from);
    }

    private static int aligned(int elements) {
        return (elements + ALIGNED - 1) / ALIGNED * ALIGNED;
    }
}
