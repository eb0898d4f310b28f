package org.longhaul.parallel;

import java.nio.ByteBuffer;

/**
 * How the ranks of one group on CPUs see each other's bytes. {@link HostCommunicator} builds every collective on it, so that
 * threads of one process and processes of several hosts run the same arithmetic in the same order.
 */
interface Exchange extends AutoCloseable {
    /** The group's name. */
    String name();

    /** This rank's place. */
    int rank();

    /** Number of ranks. */
    int size();

    /**
     * Gives all ranks' payloads of this call, in rank order, to every rank. The operation's words must agree on all ranks.
     * The buffers may be read until {@link #release}, which every rank calls after each gather; {@code mine} must stay
     * unchanged until then.
     */
    ByteBuffer[] gather(String operation, ByteBuffer mine);

    /** Ends the reading of the last {@link #gather}. */
    void release();

    /** Hands the payload over; returns when the caller may reuse it, without waiting for the peer. */
    void send(int peer, ByteBuffer payload);

    /** Fills {@code into} with the next payload from the peer, which must have exactly its size. */
    void receive(int peer, ByteBuffer into);

    /** Makes every rank's pending and further calls fail with this cause. */
    void abort(String cause);

    @Override
    void close();
}
