package org.longhaul.train;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.function.UnaryOperator;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Backend.Graph;
import org.longhaul.tensor.Backend.Recording;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The forwards and backwards of a rank's slots, recorded as graphs once each has run operation by operation. A pass tells the
 * buckets it reaches between its layers; where collectives go there, it is recorded in pieces, and they run between the pieces
 * just as they do without graphs. Collectives within a layer are recorded with it, on all of its tensor-parallel ranks or on none.
 */
final class MicroGraphs implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MicroGraphs.class);

    private static final String OTHER = "another rank of the tensor-parallel group cannot record";

    private final Backend backend;
    private final boolean pieces;
    private final boolean speaks;
    private final UnaryOperator<Boolean> agreed;
    private final List<Part> parts = new ArrayList<>();
    private boolean enabled;
    private boolean bypassed;

    /**
     * Prepares; nothing is recorded yet.
     *
     * @param enabled false runs everything operation by operation
     * @param pieces whether there is something to do at the buckets of a pass
     * @param speaks whether this rank logs what was recorded
     * @param agreed whether the answer is yes on all ranks whose collectives are recorded; all of them ask at the same time
     */
    MicroGraphs(Backend backend, boolean enabled, boolean pieces, boolean speaks, UnaryOperator<Boolean> agreed) {
        this.backend = backend;
        this.enabled = enabled && backend.records();
        this.pieces = pieces;
        this.speaks = speaks;
        this.agreed = agreed;
    }

    /** Work on fixed buffers that tells the buckets it passes. */
    interface Pass {
        void run(IntConsumer bucket);
    }

    /** One pass on one slot. */
    final class Part {
        private final String name;
        private final Pass pass;
        private final List<Graph> graphs = new ArrayList<>();
        private final List<Integer> buckets = new ArrayList<>();
        private boolean ran;
        private boolean recorded;

        private Part(String name, Pass pass) {
            this.name = name;
            this.pass = pass;
        }

        /** Enqueues the pass, by graphs where they are recorded. */
        void run(IntConsumer bucket) {
            if (!recorded || bypassed) {
                pass.run(bucket);
                ran = true;
                return;
            }
            for (int i = 0; i < graphs.size(); i++) {
                Graph graph = graphs.get(i);
                if (graph != null) {
                    graph.launch(backend.computeStream());
                }
                if (i < buckets.size()) {
                    bucket.accept(buckets.get(i));
                }
            }
        }

        private void record() {
            Recording[] open = {backend.record(name)};
            try {
                pass.run(bucket -> {
                    if (pieces) {
                        Recording piece = open[0];
                        open[0] = null;
                        keep(piece.end());
                        buckets.add(bucket);
                        open[0] = backend.record(name);
                    }
                });
            } catch (RuntimeException | Error e) {
                if (open[0] != null) {
                    open[0].abandon();
                }
                throw e;
            }
            keep(open[0].end());
            recorded = true;
        }

        private void keep(Graph graph) {
            if (graph.nodes() > 0) {
                graphs.add(graph);
            } else {
                graph.close();
                graphs.add(null);
            }
        }

        private void forget() {
            recorded = false;
            for (Graph graph : graphs) {
                if (graph != null) {
                    graph.close();
                }
            }
            graphs.clear();
            buckets.clear();
        }
    }

    /** A pass that may be recorded later. */
    Part part(String name, Pass pass) {
        Part part = new Part(name, pass);
        parts.add(part);
        return part;
    }

    /**
     * Records the passes that have run. To be called between steps, when every rank has enqueued what the others wait for: recording
     * waits for the device.
     */
    void record() {
        if (!enabled || bypassed) {
            return;
        }
        List<Part> due = parts.stream().filter(part -> part.ran && !part.recorded).toList();
        if (due.isEmpty()) {
            return;
        }
        String hindrance = backend.ops().hindersRecording().orElse(null);
        if (!agreed.apply(hindrance == null)) {
            giveUp(hindrance == null ? OTHER : hindrance);
            return;
        }
        String failure = null;
        try {
            due.forEach(Part::record);
        } catch (RuntimeException e) {
            failure = e.getMessage() == null ? e.toString() : e.getMessage();
        }
        if (!agreed.apply(failure == null)) {
            giveUp(failure == null ? OTHER : failure);
        } else if (speaks) {
            LOG.info("forward and backward run as {} CUDA graphs of {} nodes in all", count(), nodes());
        }
    }

    /** Runs everything operation by operation for a while, for profiles. */
    void bypass(boolean on) {
        bypassed = on;
    }

    /** Number of graphs. */
    long count() {
        return parts.stream().flatMap(p -> p.graphs.stream()).filter(g -> g != null).count();
    }

    /** Kernels, copies and fills in all graphs. */
    long nodes() {
        return parts.stream().flatMap(p -> p.graphs.stream()).filter(g -> g != null).mapToLong(Graph::nodes).sum();
    }

    private void giveUp(String why) {
        enabled = false;
        forget();
        LOG.warn("CUDA graphs are off from here on, operations are launched one by one: {}", why);
    }

    private void forget() {
        backend.synchronize();
        parts.forEach(Part::forget);
    }

    @Override
    public void close() {
        forget();
    }
}
