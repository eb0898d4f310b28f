package org.longhaul.train;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.longhaul.batch.SampleOrder;
import org.longhaul.model.ModelStage;
import org.longhaul.ops.DocumentIndex;
import org.longhaul.parallel.MeshGroups;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.Tensor;

/** Reads this rank's micro-batches of a step and puts them on the device. */
final class BatchFeed implements AutoCloseable {
    private final Backend backend;
    private final MeshGroups groups;
    private final int micro;
    private final int context;
    private final int[] inputs;
    private final int[] targets;
    private final int[] documents;
    private final DocumentIndex index;
    private final int[] indexed;
    private final ByteBuffer staging;
    private final SampleTrace trace;
    private SampleOrder samples;
    private long firstSample;
    private long readingNanos;

    /** @param index of a micro-batch's documents; the same on every part of the model: only layers differ */
    BatchFeed(TrainConfig config, Backend backend, MeshGroups groups, DocumentIndex index) {
        this.backend = backend;
        this.groups = groups;
        this.micro = config.batch().microBatch();
        this.context = config.model().context();
        this.inputs = new int[micro * context];
        this.targets = new int[micro * context];
        this.documents = new int[micro * context];
        this.index = index;
        this.indexed = new int[index.elements()];
        this.staging = ByteBuffer.allocateDirect(4 * indexed.length).order(ByteOrder.nativeOrder());
        this.trace = SampleTrace.open(groups.rank());
    }

    /** The step's global batch starts at a sample. */
    void begin(SampleOrder order, long sample) {
        samples = order;
        firstSample = sample;
    }

    /** The first sample of the step's global batch. */
    long firstSample() {
        return firstSample;
    }

    /** Reads what a part of the model needs of a micro-batch into one of its slots. */
    void read(ModelStage stage, int slot, int microBatch, boolean first, boolean last) {
        long base = firstSample + ((long) microBatch * groups.mesh().data() + groups.data().rank()) * micro;
        if (first || last) {
            readTokens(base);
        }
        if (first) {
            upload(stage.tokens(slot), inputs);
        }
        if (last) {
            upload(stage.targets(slot), targets);
        }
        if (stage.documents(slot) != null) {
            readDocuments(base);
            uploadDocuments(stage.documents(slot), documents);
        }
    }

    private void readTokens(long base) {
        long start = System.nanoTime();
        for (int b = 0; b < micro; b++) {
            samples.read(base + b, inputs, targets, b * context);
            if (trace != null) {
                trace.read(base + b, inputs, b * context, context);
            }
        }
        readingNanos += System.nanoTime() - start;
    }

    // Read from the data by every rank that attends, which is cheaper than sending it along.
    private void readDocuments(long base) {
        long start = System.nanoTime();
        for (int b = 0; b < micro; b++) {
            samples.documentStarts(base + b, documents, b * context);
        }
        readingNanos += System.nanoTime() - start;
    }

    /** Puts ids of a micro-batch on the device. */
    void upload(Tensor destination, int[] ids) {
        staging.clear().limit(4 * ids.length);
        staging.asIntBuffer().put(ids);
        backend.upload(destination, staging);
    }

    /** Puts the index of a micro-batch's documents on the device, by where each token's document starts. */
    void uploadDocuments(Tensor destination, int[] starts) {
        index.fill(starts, indexed);
        upload(destination, indexed);
    }

    /** Seconds this rank has spent so far reading samples. */
    double readingSeconds() {
        return readingNanos / 1e9;
    }

    @Override
    public void close() {
        if (trace != null) {
            trace.close();
        }
    }
}
