package org.longhaul.checkpoint;

/**
 * The ranks that save and load together. Called from the thread that writes, so an implementation must not share streams or
 * communicators with the training step.
 */
public interface RankGroup {
    /** This process, from 0; rank 0 commits. */
    int rank();

    /** Number of ranks. */
    int size();

    /** Returns on every rank, when all have called, whether all said true. Throws when a rank is gone. */
    boolean all(boolean mine);

    /** Returns on every rank, when all have called, what rank 0 said. Throws when a rank is gone. */
    String first(String mine);

    /** A group of one. */
    static RankGroup single() {
        return new RankGroup() {
            @Override
            public int rank() {
                return 0;
            }

            @Override
            public int size() {
                return 1;
            }

            @Override
            public boolean all(boolean mine) {
                return mine;
            }

            @Override
            public String first(String mine) {
                return mine;
            }
        };
    }
}
