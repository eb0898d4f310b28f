package org.longhaul.batch;

/** A stream of token ids that can be read anywhere, such as a memory-mapped split of a data set. Safe for several threads. */
public interface TokenSource {
    /** Number of tokens. */
    long tokens();

    /** Copies ids {@code position} to {@code position + count} to {@code target} from {@code offset}. */
    void read(long position, int[] target, int offset, int count);
}
