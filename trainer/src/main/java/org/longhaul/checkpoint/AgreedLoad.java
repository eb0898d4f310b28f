package org.longhaul.checkpoint;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.longhaul.error.UserError;
import org.longhaul.tensor.Backend;
import org.longhaul.trust.Faults;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One load of the newest complete checkpoint by all ranks. Rank 0 alone says which one is tried: what each rank finds by itself may differ for a
 * while on a network file system, and they would train on from different steps.
 */
final class AgreedLoad {
    private static final Logger LOG = LoggerFactory.getLogger(AgreedLoad.class);
    private static final String UNREADABLE = "?";
    private static final int LOOKS_AGAIN = 70;

    private final Storage storage;
    private final RankGroup group;
    private final CheckpointFolders folders;
    private final BiConsumer<CheckpointInfo, String> markInvalid;
    private final long againNanos;
    // Rank 0's, newest first; null before it has listed them.
    private Deque<StepName> untried;

    /**
     * Prepares a load.
     *
     * @param markInvalid takes a checkpoint out of use for a reason
     * @param againNanos how long to wait before looking again for what rank 0 sees already
     */
    AgreedLoad(Storage storage, RankGroup group, CheckpointFolders folders, BiConsumer<CheckpointInfo, String> markInvalid, long againNanos) {
        this.storage = storage;
        this.group = group;
        this.folders = folders;
        this.markInvalid = markInvalid;
        this.againNanos = againNanos;
    }

    /** What the loaded checkpoint says, empty when there is no complete one. */
    Optional<CheckpointMeta> newest(Backend backend, Function<Checkpoint, List<BoxData>> wanted) throws IOException {
        while (true) {
            String folder = agreed();
            if (folder.isEmpty()) {
                return Optional.empty();
            }
            CheckpointMeta meta;
            try {
                meta = load(StepName.parse(folder), backend, wanted);
            } catch (IOException e) {
                group.all(false);
                throw e;
            }
            if (group.all(meta != null)) {
                return Optional.of(meta);
            }
            if (meta != null) {
                LOG.warn("{}/{} is damaged on another rank; the previous complete checkpoint is used", storage.root(), folder);
            }
        }
    }

    // The folder that is tried next, empty for none.
    private String agreed() throws IOException {
        String mine;
        try {
            mine = group.rank() == 0 ? candidate() : "";
        } catch (IOException e) {
            group.first(UNREADABLE);
            throw e;
        }
        String said = group.first(mine);
        if (said.equals(UNREADABLE)) {
            throw UserError.environment("rank 0 cannot read the checkpoints in " + storage.root() + ": its own line says why");
        }
        return said;
    }

    // Looks at no more folders than it must: a run of months has hundreds.
    private String candidate() throws IOException {
        if (untried == null) {
            untried = new ArrayDeque<>(folders.names());
        }
        while (!untried.isEmpty()) {
            CheckpointInfo info = folders.look(untried.remove());
            if (info.complete()) {
                return info.name();
            }
            passOver(info);
        }
        return "";
    }

    // Null where this rank cannot use it.
    private CheckpointMeta load(StepName name, Backend backend, Function<Checkpoint, List<BoxData>> wanted) throws IOException {
        CheckpointInfo info = seen(name);
        if (!info.complete()) {
            passOver(info);
            return null;
        }
        try {
            Checkpoint checkpoint = folders.open(info);
            Faults.point("checkpoint.load");
            checkpoint.loadChecked(backend, wanted.apply(checkpoint));
            return checkpoint.meta();
        } catch (CorruptCheckpointException e) {
            LOG.warn("{}; the previous complete checkpoint is used", e.getMessage());
            markInvalid.accept(info, e.getMessage());
            return null;
        }
    }

    // Rank 0 has found it complete. This node may see the folder as it was up to a minute ago; but a quicker rank may also have found damage since.
    private CheckpointInfo seen(StepName name) throws IOException {
        CheckpointInfo info = folders.look(name);
        for (int i = 0; i < LOOKS_AGAIN && !info.complete() && storage.length(name.folder() + "/" + CheckpointFolders.INVALID) < 0; i++) {
            LockSupport.parkNanos(againNanos);
            info = folders.look(name);
        }
        return info;
    }

    private void passOver(CheckpointInfo info) {
        LOG.warn("{}/{} is passed over: {}", storage.root(), info.name(), info.problem());
    }
}
