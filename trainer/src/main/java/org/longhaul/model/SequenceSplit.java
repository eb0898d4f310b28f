package org.longhaul.model;

import org.longhaul.parallel.Communicator;
import org.longhaul.parallel.ReduceOp;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Backend.Stream;
import org.longhaul.tensor.Tensor;

/**
 * How the tokens of a micro-batch are split over the tensor-parallel ranks around the norms (sequence parallelism, Korthikanti et
 * al. 2022), and the collectives there and back. With chunks, products run while the next chunk's collective is under way on a stream
 * of its own: chunk c of N holds tokens c·T/N to (c+1)·T/N, and of each chunk every rank has one consecutive share, so that
 * gathering a chunk fills consecutive rows of [T,D] and nothing is ever permuted. A rank's own tokens [L,D] are then its shares of
 * all chunks one after the other, in a buffer apart from [T,D].
 */
final class SequenceSplit {
    private final Communicator group;
    private final Stream compute;
    private final Stream communication;
    private final BatchShape shape;
    private final int chunks;

    /** Work on rows {@code from} to {@code to} of all tokens. */
    interface Rows {
        /** Enqueues it. */
        void run(long from, long to);
    }

    /** A split in as many chunks as were asked for, or in one on the compute stream where that is 1 or there is nobody to talk to. */
    SequenceSplit(Backend backend, Communicator group, BatchShape shape, int chunks) {
        this.group = group;
        this.compute = backend.computeStream();
        this.shape = shape;
        this.chunks = overlaps(shape, chunks) ? (int) Math.min(chunks, shape.localTokens()) : 1;
        this.communication = overlaps(shape, chunks) ? backend.newCommunicationStream("tensor parallel") : null;
    }

    /** Whether collectives run beside the products, which needs separate buffers for a rank's own tokens. */
    static boolean overlaps(BatchShape shape, int chunks) {
        return chunks > 1 && shape.tensorSize() > 1;
    }

    /** The tensor-parallel ranks. */
    Communicator group() {
        return group;
    }

    /** The stream of products. */
    Stream compute() {
        return compute;
    }

    /** Rows {@code from} to {@code to}: the tensor itself when these are all. */
    static Tensor cut(Tensor t, long from, long to) {
        return from == 0 && to == t.size(0) ? t : t.rows(from, to);
    }

    /** Fills {@code all} [T,D] from the ranks' {@code local} [L,D] and runs the product on each part as it arrives. */
    void gather(Tensor all, Tensor local, Rows product) {
        Arrival arrival = gathering(all, local);
        for (int c = 0; c < chunks; c++) {
            arrival.upTo(end(c));
            product.run(start(c), end(c));
        }
    }

    /** Runs the product that fills {@code all} [T,D] part by part and sums each over the ranks into {@code local} [L,D]. */
    void reduce(Tensor local, Tensor all, Rows product) {
        Departure departure = reducing(local, all);
        for (int c = 0; c < chunks; c++) {
            product.run(start(c), end(c));
            departure.upTo(end(c));
        }
        departure.finish();
    }

    /** Starts to gather; with one chunk it is done when this returns. */
    Arrival gathering(Tensor all, Tensor local) {
        return new Arrival(all, local);
    }

    /** Starts to reduce what is complete in {@code all} already; other work may go on until {@link Departure#finish}. */
    Departure reduceBehind(Tensor local, Tensor all) {
        Departure departure = new Departure(local, all);
        departure.upTo(shape.tokens());
        return departure;
    }

    /** Prepares to reduce as rows become complete. */
    Departure reducing(Tensor local, Tensor all) {
        return new Departure(local, all);
    }

    private long firstOfShare(int chunk) {
        return shape.localTokens() * chunk / chunks;
    }

    private long start(int chunk) {
        return firstOfShare(chunk) * shape.tensorSize();
    }

    private long end(int chunk) {
        return start(chunk + 1);
    }

    /** Tokens on their way to every rank. */
    final class Arrival {
        private final Tensor all;
        private final Tensor local;
        private int enqueued;
        private int awaited;

        private Arrival(Tensor all, Tensor local) {
            this.all = all;
            this.local = local;
            if (communication == null) {
                group.allGather(all, local, compute);
                enqueued = chunks;
                awaited = chunks;
            } else {
                communication.waitFor(compute);
                enqueue();
            }
        }

        /** Compute work enqueued from now on finds the rows before {@code row}; the next chunk travels meanwhile. */
        void upTo(long row) {
            if (awaited == chunks || start(awaited) >= row) {
                return;
            }
            while (awaited < chunks && start(awaited) < row) {
                if (enqueued == awaited) {
                    enqueue();
                }
                awaited++;
            }
            compute.waitFor(communication);
            if (enqueued < chunks) {
                enqueue();
            }
        }

        private void enqueue() {
            int c = enqueued++;
            group.allGather(all.rows(start(c), end(c)), local.rows(firstOfShare(c), firstOfShare(c + 1)), communication);
        }
    }

    /** Partial sums on their way to the ranks that own the tokens. */
    final class Departure {
        private final Tensor local;
        private final Tensor all;
        private int enqueued;

        private Departure(Tensor local, Tensor all) {
            this.local = local;
            this.all = all;
        }

        /** The rows before {@code row} are complete once the compute work enqueued so far is. */
        void upTo(long row) {
            if (communication == null || enqueued == chunks || end(enqueued) > row) {
                return;
            }
            communication.waitFor(compute);
            while (enqueued < chunks && end(enqueued) <= row) {
                int c = enqueued++;
                group.reduceScatter(
                        local.rows(firstOfShare(c), firstOfShare(c + 1)), all.rows(start(c), end(c)), ReduceOp.SUM, communication);
            }
        }

        /** Compute work enqueued from now on finds the sums of all rows. */
        void finish() {
            if (communication == null) {
                group.reduceScatter(local, all, ReduceOp.SUM, compute);
            } else {
                upTo(shape.tokens());
                compute.waitFor(communication);
            }
        }
    }
}
