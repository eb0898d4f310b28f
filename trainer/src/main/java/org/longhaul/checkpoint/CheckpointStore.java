package org.longhaul.checkpoint;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.longhaul.checkpoint.Manifest.Done;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.tensor.Backend;
import org.longhaul.trust.Faults;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The checkpoints of one run: folders {@code step-00001234} under a root on a local disk, HDFS or an object store. A checkpoint
 * counts only when its {@code DONE} is there and fits its manifest; the newest is found by looking, never by a pointer.
 */
public final class CheckpointStore implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(CheckpointStore.class);

    private final Storage storage;
    private final RankGroup group;
    private final CheckpointFolders folders;
    private final long againNanos;
    // Half-written folders of failed saves that could not be deleted either; only the thread that writes knows them.
    private final Set<String> leftovers = new LinkedHashSet<>();

    // Complete ones that this store has seen, which only it marks and deletes while its run owns the root.
    private final Map<StepName, CheckpointInfo> known = new ConcurrentHashMap<>();
    private Lease lease;

    CheckpointStore(Storage storage, RankGroup group) {
        this(storage, group, TimeUnit.SECONDS.toNanos(1));
    }

    /** {@code againNanos} is how long to wait before looking again for what rank 0 sees already. */
    CheckpointStore(Storage storage, RankGroup group, long againNanos) {
        this.storage = storage;
        this.againNanos = againNanos;
        this.group = group;
        this.folders = new CheckpointFolders(storage);
    }

    /** Opens for one process: a path, {@code file://}, {@code hdfs://}, {@code s3a://} or any scheme that Hadoop knows. */
    public static CheckpointStore open(String uri) {
        return open(uri, RankGroup.single());
    }

    /** Opens for several ranks that save and load together. */
    public static CheckpointStore open(String uri, RankGroup group) {
        return new CheckpointStore(Storages.open(uri), group);
    }

    /** Opens a local folder. */
    public static CheckpointStore open(Path folder) {
        return new CheckpointStore(new LocalStorage(folder), RankGroup.single());
    }

    /** The root, for messages. */
    public String root() {
        return storage.root();
    }

    /** Every checkpoint folder, newest first, half-written and damaged ones included. What a damaged manifest says shows only when it is opened. */
    public List<CheckpointInfo> list() {
        return list(Integer.MAX_VALUE);
    }

    /** The newest so many of them. */
    public List<CheckpointInfo> list(int most) {
        try {
            return folders.look(folders.names().stream().limit(most).toList());
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    /** The complete one with the highest step. Looks at no more folders than it must: a run of months has hundreds. */
    public Optional<CheckpointInfo> newestComplete() {
        try {
            for (StepName name : folders.names()) {
                CheckpointInfo info = folders.look(name);
                if (info.complete()) {
                    return Optional.of(info);
                }
            }
            return Optional.empty();
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    /** Opens the newest complete one. Throws UserError when there is none. */
    public Checkpoint openNewest() {
        return open(newestComplete().orElseThrow(() -> UserError.badInput("no complete checkpoint in " + root())));
    }

    /** Opens a step. Throws UserError naming the steps there are when it is not complete. */
    public Checkpoint open(long step) {
        List<CheckpointInfo> all = list();
        return open(all.stream().filter(c -> c.step() == step && c.complete()).findFirst().orElseThrow(() -> {
            String problem = all.stream().filter(c -> c.step() == step).map(c -> c.name() + " is not complete: " + c.problem())
                    .findFirst().orElse("there is no checkpoint of step " + step);
            List<Long> steps = all.stream().filter(CheckpointInfo::complete).map(CheckpointInfo::step).distinct().toList();
            return UserError.badInput(root() + ": " + problem + "; complete steps: " + steps);
        }));
    }

    /** Opens one that {@link #list} found. */
    public Checkpoint open(CheckpointInfo info) {
        try {
            return folders.open(info);
        } catch (CorruptCheckpointException e) {
            throw UserError.badInput(e.getMessage(), e);
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    /**
     * Loads the newest complete checkpoint; when its bytes turn out damaged on any rank, says so, marks it, and takes the one
     * before. {@code wanted} gives the boxes to fill for a checkpoint's content; it is called on each try.
     *
     * @return what the loaded checkpoint says, empty when there is no complete one
     */
    public Optional<CheckpointMeta> loadNewest(Backend backend, Function<Checkpoint, List<BoxData>> wanted) {
        try {
            return new AgreedLoad(storage, group, folders, this::markInvalid, againNanos).newest(backend, wanted);
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    /**
     * Writes a checkpoint from streams in this process alone, dealing the boxes out to several files. Throws UserError where the folder has one of
     * this step already, which the new one would stand for from now on, or where a run is writing.
     *
     * @return the new folder's name
     */
    public String write(CheckpointMeta meta, List<StreamedBox> boxes, int files) {
        return write(meta, boxes, files, Map.of());
    }

    /** The same with small files beside it, by name, such as those of {@link CheckpointTokenizer}. */
    public String write(CheckpointMeta meta, List<StreamedBox> boxes, int files, Map<String, byte[]> beside) {
        CheckpointWriter.Body body = (to, folder, rank) -> {
            List<Manifest.StoredFile> written = new ArrayList<>();
            List<Manifest.StoredTensor> tensors = new ArrayList<>();
            for (int f = 0; f < files; f++) {
                try (DataFile file = new DataFile(to, folder, "rank-%04d.bin".formatted(f))) {
                    for (int b = f; b < boxes.size(); b += files) {
                        StreamedBox box = boxes.get(b);
                        file.begin(box.box(), box.dtype());
                        box.source().stream(file::accept);
                        file.end();
                    }
                    written.add(file.commit());
                    tensors.addAll(file.tensors());
                }
            }
            List<Manifest.StoredFile> small = new ArrayList<>();
            for (var file : beside.entrySet()) {
                to.write(folder + "/" + file.getKey(), file.getValue());
                small.add(new Manifest.StoredFile(file.getKey(), file.getValue().length, Checksums.hex(file.getValue())));
            }
            return new Manifest.RankPart(rank, written, tensors, small);
        };
        try {
            for (StepName name : folders.names()) {
                if (name.step() == meta.step() && folders.look(name).complete()) {
                    throw UserError.badInput(root() + " has a checkpoint of step " + meta.step() + " already, " + name.folder()
                            + ", in whose place the new one would be taken; name another folder");
                }
            }
            own();
            return new CheckpointWriter(this).write(meta, body);
        } catch (CorruptCheckpointException e) {
            throw UserError.badInput(e.getMessage(), e);
        } catch (IOException e) {
            throw UserError.environment("cannot write a checkpoint to " + root() + ": " + Reason.of(e), e);
        }
    }

    /**
     * Claims the folder for this run and deletes what killed runs left: staged folders, folders being deleted, and folders without
     * {@code DONE}. Only the run that owns the folder may call it, before its first save; rank 0 acts. Each folder is named in a
     * warning. Throws UserError on every rank when another run is writing there, or nothing can be written.
     *
     * @return the names deleted
     */
    public List<String> cleanUp() {
        List<String> gone = new ArrayList<>();
        boolean done = false;
        try {
            if (group.rank() == 0) {
                own();
                int uploads = uploads();
                if (uploads > 0) {
                    LOG.warn("{}: {} uploads that an earlier run left unfinished are given up", root(), uploads);
                }
                for (Storage.Entry e : lease.betweenBeats(() -> storage.children(""))) {
                    StepName name = StepName.parse(e.name());
                    boolean leftover = e.name().startsWith(StepName.STAGING) || e.name().startsWith(StepName.TRASH);
                    if (leftover || e.folder() && name != null && storage.length(name.folder() + "/" + Done.NAME) < 0) {
                        LOG.warn("{}/{} was left half-written by an earlier run; deleting it", root(), e.name());
                        storage.delete(e.name());
                        gone.add(e.name());
                    }
                }
            }
            done = true;
        } catch (IOException e) {
            throw UserError.environment("cannot write checkpoints to " + root() + ": " + Reason.of(e)
                    + "; give this user the right to write there, or name another place in output or checkpoint.path", e);
        } finally {
            // What keeps rank 0 from it is its own to tell; the others must not go on and wait for it.
            if (!group.all(done || group.rank() != 0) && group.rank() != 0) {
                throw UserError.environment("rank 0 could not make " + root() + " ready, as its own line says");
            }
        }
        return gone;
    }

    private void own() throws IOException {
        boolean locked = storage.lock();
        if (lease == null) {
            lease = Lease.take(storage, Lease.BEAT, locked);
        }
    }

    private int uploads() {
        try {
            return storage.abandonUploads();
        } catch (IOException | RuntimeException e) {
            // Listing them needs a permission of its own, and the run can do without.
            LOG.warn("cannot look for uploads that an earlier run left unfinished in {}: {}; a lifecycle rule of the bucket should end them", root(),
                    Reason.of(e));
            return 0;
        }
    }

    /**
     * Takes checkpoints after a step out of use, when training rolls back to it: they belong to a course that was given up, and a
     * restart must not resume from them. Rank 0 acts.
     */
    public void abandonAfter(long step, String why) {
        if (group.rank() == 0) {
            list().stream().filter(c -> c.complete() && c.step() > step).forEach(c -> markInvalid(c, why));
        }
        group.all(true);
    }

    /**
     * The same by a person's hand, in this process alone. Throws UserError where a run is writing to the folder, or where one cannot be marked.
     *
     * @return the names of those taken out of use, newest first
     */
    public List<String> rollBackTo(long step, String why) {
        try {
            own();
            List<String> taken = new ArrayList<>();
            for (CheckpointInfo later : list()) {
                if (later.complete() && later.step() > step) {
                    invalidate(later, why);
                    taken.add(later.name());
                }
            }
            return taken;
        } catch (IOException e) {
            throw UserError.environment("cannot take checkpoints of " + root() + " out of use: " + Reason.of(e) + "; give this user the right to write there", e);
        }
    }

    /** Deletes what the rules let go after a save, and invalid ones as soon as enough complete ones are there. */
    void prune(Retention retention) throws IOException {
        for (String folder : List.copyOf(leftovers)) {
            if (storage.length(folder + "/" + Done.NAME) < 0 || folder.startsWith(StepName.STAGING)) {
                storage.delete(folder);
            }
            leftovers.remove(folder);
        }
        List<StepName> names = folders.names();
        folders.look(names.stream().filter(n -> !known.containsKey(n)).toList()).stream().filter(CheckpointInfo::complete)
                .forEach(c -> known.put(StepName.parse(c.name()), c));
        known.keySet().retainAll(names);
        List<CheckpointInfo> all = new ArrayList<>();
        for (StepName name : names) {
            CheckpointInfo seen = known.get(name);
            all.add(seen != null ? seen : folders.look(name));
        }
        for (CheckpointInfo old : retention.surplus(all)) {
            delete(old);
        }
        if (all.stream().filter(CheckpointInfo::complete).count() >= Retention.FEWEST) {
            for (CheckpointInfo c : all) {
                if (!c.complete() && storage.length(c.name() + "/" + CheckpointFolders.INVALID) >= 0) {
                    delete(c);
                }
            }
        }
    }

    /** Remembers a half-written folder for the next time that something is deleted. */
    void deleteLater(String folder) {
        leftovers.add(folder);
    }

    /** Deletes a checkpoint so that a kill at any moment leaves it whole or invisible. */
    void delete(CheckpointInfo info) throws IOException {
        if (storage.atomicRename()) {
            String trash = StepName.TRASH + info.name();
            storage.delete(trash);
            Faults.point("checkpoint.delete");
            storage.rename(info.name(), trash);
            Faults.point("checkpoint.deleting");
            storage.delete(trash);
        } else {
            Faults.point("checkpoint.delete");
            storage.delete(info.name() + "/" + Done.NAME);
            Faults.point("checkpoint.deleting");
            storage.delete(info.name());
        }
    }

    /** Throws when the root, once claimed, is no longer this run's. */
    void requireOwned() throws IOException {
        if (lease != null) {
            lease.require();
        }
    }

    Storage storage() {
        return storage;
    }

    RankGroup group() {
        return group;
    }

    private void markInvalid(CheckpointInfo info, String why) {
        try {
            invalidate(info, why);
        } catch (IOException e) {
            LOG.warn("cannot mark {}/{} as invalid: {}", root(), info.name(), Reason.of(e));
        }
    }

    private void invalidate(CheckpointInfo info, String why) throws IOException {
        known.remove(StepName.parse(info.name()));
        storage.write(info.name() + "/" + CheckpointFolders.INVALID, (why + "\n").getBytes(StandardCharsets.UTF_8));
    }

    private UserError unreadable(IOException e) {
        return UserError.environment("cannot read checkpoints in " + root() + ": " + Reason.of(e), e);
    }

    @Override
    public void close() {
        if (lease != null) {
            lease.close();
            lease = null;
        }
        try {
            storage.close();
        } catch (IOException e) {
            LOG.warn("closing {}: {}", root(), Reason.of(e));
        }
    }
}
