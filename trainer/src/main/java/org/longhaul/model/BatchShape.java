package org.longhaul.model;

/**
 * A micro-batch as one rank sees it.
 *
 * @param batch sequences B
 * @param sequence positions S of each
 * @param tensorRank place in the tensor-parallel group
 * @param tensorSize ranks that split heads, feed-forward width, vocabulary, and (between the splits) tokens
 */
public record BatchShape(int batch, int sequence, int tensorRank, int tensorSize) {
    /** Checks the split. */
    public BatchShape {
        if (batch < 1 || sequence < 1 || tensorRank < 0 || tensorRank >= tensorSize) {
            throw new IllegalArgumentException("micro-batch of " + batch + " × " + sequence + " on rank " + tensorRank + " of " + tensorSize);
        }
        if ((long) batch * sequence % tensorSize != 0) {
            throw new IllegalArgumentException("micro_batch times context must be a multiple of the tensor-parallel size "
                    + tensorSize + ": " + batch + " × " + sequence);
        }
    }

    /** Tokens T of the micro-batch. */
    public long tokens() {
        return (long) batch * sequence;
    }

    /** Tokens of this rank's share where the sequence is split. */
    public long localTokens() {
        return tokens() / tensorSize;
    }

    /** First token of the share. */
    public long firstLocal() {
        return tensorRank * localTokens();
    }

    /** End of the share. */
    public long endLocal() {
        return firstLocal() + localTokens();
    }
}
