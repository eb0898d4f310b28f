package org.longhaul.checkpoint;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.longhaul.error.Reason;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.HostCopier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Saves while training goes on: {@link #save} copies the state to host memory and returns; a thread writes and commits it. The next
 * save waits for it. A save that fails is a warning, never the end of training; the last good checkpoint stays.
 */
public final class CheckpointSaver implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(CheckpointSaver.class);

    private final CheckpointStore store;
    private final HostCopier copier;
    private final Retention retention;
    private final RankImage image;
    private final ExecutorService thread;
    private Future<?> writing;
    private volatile SaveStats stats = SaveStats.NONE;
    private final Queue<SaveOutcome> ended = new ConcurrentLinkedQueue<>();
    private int failedInRow;

    /** Saves this rank's boxes of {@code backend}. */
    public CheckpointSaver(CheckpointStore store, Backend backend, Retention retention) {
        this(store, backend.hostCopier(), retention);
    }

    CheckpointSaver(CheckpointStore store, HostCopier copier, Retention retention) {
        this.store = store;
        this.copier = copier;
        this.retention = retention;
        this.image = new RankImage(copier);
        this.thread = Executors.newSingleThreadExecutor(task -> {
            Thread t = new Thread(task, "checkpoint-write");
            t.setDaemon(true);
            return t;
        });
    }

    /** Takes the host memory for saves of these boxes before training starts: page-locking it takes seconds, which the first save would stand still for. */
    public void reserve(List<BoxData> boxes) {
        // The memory may hold a save of the initial state that is still being written.
        await();
        try {
            image.reserve(boxes);
        } catch (OutOfMemoryError e) {
            LOG.warn("no host memory to stage checkpoints: {}; none will be saved; raise the memory limit of the job or -XX:MaxDirectMemorySize",
                    e.getMessage());
        }
    }

    /** Whether a save is still being written; another one would wait for it. */
    public boolean busy() {
        return writing != null && !writing.isDone();
    }

    /**
     * Takes the state as it is now and returns when training may change it. Called by every rank at the same step; each
     * global tensor must be held whole by the ranks together. Boxes that several ranks hold alike may be given by all of them or by one.
     */
    public void save(CheckpointMeta meta, List<BoxData> boxes) {
        start(meta, boxes);
        gate();
    }

    /**
     * The same without the wait of the device: until {@link #gate} nothing may be enqueued that changes the boxes. The copies then run
     * beside the next forward and backward.
     */
    public void start(CheckpointMeta meta, List<BoxData> boxes) {
        long start = System.nanoTime();
        await();
        long taken = System.nanoTime();
        boolean staged = false;
        try {
            image.stage(boxes);
            staged = true;
        } catch (OutOfMemoryError e) {
            LOG.warn("no memory to stage the checkpoint of step {}: {}; raise the memory limit of the job or -XX:MaxDirectMemorySize",
                    meta.step(), e.getMessage());
        }
        stats = stats.stalled(seconds(start), image.bytes());
        CheckpointWriter.Body body = staged ? image::write : (storage, folder, rank) -> {
            throw new IOException("the state could not be staged");
        };
        writing = thread.submit(() -> write(meta, body, taken));
    }

    /** Makes what is enqueued on the device from now on wait for the copies of the save under way; costs the caller nothing. */
    public void gate() {
        copier.gate();
    }

    /** Waits until the save under way has been committed or given up. */
    public void await() {
        if (writing == null) {
            return;
        }
        try {
            writing.get();
        } catch (InterruptedException e) {
            // The memory is still being read: whoever went on would stage the next state into what is written now.
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while a checkpoint is being written", e);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
        writing = null;
    }

    /** How saving went so far. Any thread may ask. */
    public SaveStats stats() {
        return stats;
    }

    /** The saves that have ended since this was last asked, in their order. Whoever never asks keeps them all. */
    public List<SaveOutcome> ended() {
        List<SaveOutcome> since = new ArrayList<>();
        for (SaveOutcome o = ended.poll(); o != null; o = ended.poll()) {
            since.add(o);
        }
        return since;
    }

    private void ended(CheckpointMeta meta, double writeSeconds, Optional<String> failure) {
        // The next save waits for this one, so both figures still are its own.
        ended.add(new SaveOutcome(meta.step(), stats.lastBytes(), stats.lastStallSeconds(), writeSeconds, failure));
    }

    private void write(CheckpointMeta meta, CheckpointWriter.Body body, long taken) {
        long start = System.nanoTime();
        try {
            String name = new CheckpointWriter(store).write(meta, body);
            stats = stats.committed(meta.step(), seconds(start), seconds(taken));
            ended(meta, stats.lastWriteSeconds(), Optional.empty());
            if (failedInRow > 0) {
                LOG.info("{} takes checkpoints again: step {} is saved; {} in a row were not", store.root(), meta.step(), failedInRow);
                failedInRow = 0;
            }
            if (store.group().rank() == 0) {
                LOG.info("checkpoint {}/{} ({}) in {} s", store.root(), name, meta.kind().word(),
                        "%.1f".formatted(stats.lastWriteSeconds()));
                prune();
            }
        } catch (IOException | RuntimeException | OutOfMemoryError e) {
            stats = stats.failed(seconds(start));
            ended(meta, stats.lastWriteSeconds(), Optional.of(Reason.of(e)));
            // A place that is down for an hour is one line, on the rank that it concerns and on rank 0.
            boolean mine = store.group().rank() == 0 || !(e instanceof CheckpointWriter.PeerFailed);
            if (failedInRow++ == 0 && mine) {
                LOG.warn("checkpoint of step {} not saved in {}: {}; free space there or mend its file server; training goes on and tries again; the last good checkpoint is {}",
                        meta.step(), store.root(), Reason.of(e), lastGood());
            }
            LOG.debug("save failed", e);
        }
    }

    private void prune() {
        try {
            store.prune(retention);
        } catch (IOException | RuntimeException e) {
            LOG.warn("cannot delete an old checkpoint in {}: {}", store.root(), Reason.of(e));
        }
    }

    private String lastGood() {
        try {
            return store.newestComplete().map(CheckpointInfo::name).orElse("none");
        } catch (RuntimeException e) {
            return "unknown";
        }
    }

    private static double seconds(long since) {
        return (System.nanoTime() - since) * 1e-9;
    }

    /** Waits for the save under way. */
    @Override
    public void close() {
        await();
        thread.shutdown();
        copier.close();
    }
}
