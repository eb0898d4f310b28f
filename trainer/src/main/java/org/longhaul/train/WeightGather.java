package org.longhaul.train;

import java.util.ArrayList;
import java.util.List;
import org.longhaul.model.ParameterStore;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Backend.Stream;

/**
 * Brings the updated weights together on all data-parallel ranks bucket by bucket, just ahead of the forward that needs them: while
 * a layer computes, the next one's weights arrive. Every rank of a group enqueues the buckets in the same order.
 */
final class WeightGather {
    private final Backend backend;
    private final Stream stream;
    private final boolean overlap;
    private final List<Item> order = new ArrayList<>();
    private int enqueued;
    private int awaited;

    private record Item(ParameterStore store, int bucket) {}

    /**
     * Plans the order of use: norm weights, which every layer needs, then embedding, layers and head.
     *
     * @param stream what the collectives run on
     * @param overlap false brings all weights together at once
     */
    WeightGather(Backend backend, Stream stream, List<ParameterStore> stores, boolean overlap) {
        this.backend = backend;
        this.stream = stream;
        this.overlap = overlap;
        for (ParameterStore store : stores) {
            order.add(new Item(store, store.layout().normBucket()));
        }
        for (ParameterStore store : stores) {
            for (int i = 0; i < store.layout().normBucket(); i++) {
                order.add(new Item(store, i));
            }
        }
        enqueued = order.size();
        awaited = order.size();
    }

    /** The optimizer's work is enqueued on the compute stream: the weights may go. */
    void begin() {
        stream.waitFor(backend.computeStream());
        enqueued = 0;
        awaited = 0;
        if (!overlap) {
            finish();
        }
    }

    /** Compute work enqueued from now on finds the bucket's weights, and those of all norms. */
    void need(ParameterStore store, int bucket) {
        if (awaited == order.size()) {
            return;
        }
        int place = 0;
        while (order.get(place).store != store || order.get(place).bucket != bucket) {
            place++;
        }
        upTo(place + 1);
        // One further bucket travels while this one computes.
        enqueue(Math.min(order.size(), place + 2));
    }

    /** Compute work enqueued from now on finds all weights. */
    void finish() {
        upTo(order.size());
    }

    private void upTo(int end) {
        if (awaited < end) {
            enqueue(end);
            backend.computeStream().waitFor(stream);
            awaited = enqueued;
        }
    }

    private void enqueue(int end) {
        while (enqueued < end) {
            Item item = order.get(enqueued++);
            item.store.shards().gatherWeights(item.bucket, item.store.weights(), stream);
        }
    }
}
