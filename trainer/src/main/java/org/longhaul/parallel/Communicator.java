package org.longhaul.parallel;

import org.longhaul.tensor.Backend.Stream;
import org.longhaul.tensor.Tensor;

/**
 * Collectives among the ranks of one group. Every rank of the group calls the same operations in the same order with the
 * same sizes. Work is enqueued on the given stream (the CPU ones return when it is done). A peer that fails or stalls
 * surfaces as a UserError naming the group, the operation, and the missing rank.
 */
public interface Communicator extends AutoCloseable {
    /** For logs and errors: {@code tensor}, {@code data}, {@code pipeline}. */
    String name();

    /** This process's place in the group, from 0. */
    int rank();

    /** Number of ranks in the group. */
    int size();

    /** In place. */
    void allReduce(Tensor buffer, ReduceOp op, Stream stream);

    /** output (1/size of input) = this rank's slice of the element-wise reduction; output may lie inside input at that slice. */
    void reduceScatter(Tensor output, Tensor input, ReduceOp op, Stream stream);

    /** output (size × input) = the ranks' inputs in rank order; input may lie inside output at this rank's slice. */
    void allGather(Tensor output, Tensor input, Stream stream);

    /** In place from {@code root}. */
    void broadcast(Tensor buffer, int root, Stream stream);

    /** To a peer of the group; matches its {@link #receive} in order. */
    void send(Tensor buffer, int peer, Stream stream);

    /** From a peer of the group. */
    void receive(Tensor buffer, int peer, Stream stream);

    /** Until {@link #groupEnd} sends and receives are collected and then run together, so that crossing pairs cannot deadlock. */
    void groupStart();

    /** Runs what was collected. */
    void groupEnd();

    /**
     * Whether operations enqueued while the device records become part of the graph. Then all ranks of the group must record and launch the same
     * ones in the same order.
     */
    default boolean recordable() {
        return false;
    }

    /** Returns when all ranks of the group have called it. */
    void barrier();

    @Override
    void close();

    /** The group of one rank: every collective is the identity. */
    static Communicator single(String name) {
        return new SingleRank(name);
    }
}
