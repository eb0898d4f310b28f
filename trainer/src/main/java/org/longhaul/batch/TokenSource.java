package org.longhaul.batch;

import org.longhaul.error.UserError;

/** A stream of token ids that can be read anywhere, such as a memory-mapped split of a data set. Safe for several threads. */
public interface TokenSource {
    /** Number of tokens. */
    long tokens();

    /** Copies ids {@code position} to {@code position + count} to {@code target} from {@code offset}. */
    void read(long position, int[] target, int offset, int count);

    /**
     * Writes for each of {@code count} tokens from {@code position} how far behind {@code position} its document begins, 0 for one that
     * began before, to {@code starts} from {@code offset}. A stream that knows no documents throws a UserError.
     */
    default void documentStarts(long position, int[] starts, int offset, int count) {
        throw UserError.badInput("these tokens do not tell where documents begin: leave data.document_mask off");
    }
}
