package org.longhaul.checkpoint;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.longhaul.checkpoint.Manifest.Done;

/** Reads which checkpoints lie under a root, whether they are complete, and what they say. Never writes. */
final class CheckpointFolders {
    /** A file that takes a checkpoint out of use and says why. */
    static final String INVALID = "INVALID";

    private static final Comparator<StepName> NEWEST_FIRST = Comparator.comparingLong(StepName::step).thenComparingInt(StepName::attempt).reversed();

    private final Storage storage;

    CheckpointFolders(Storage storage) {
        this.storage = storage;
    }

    /** All folders of checkpoints, newest first. */
    List<StepName> names() throws IOException {
        List<StepName> names = new ArrayList<>();
        for (Storage.Entry e : storage.children("")) {
            StepName name = StepName.parse(e.name());
            if (e.folder() && name != null) {
                names.add(name);
            }
        }
        latest().filter(name -> !names.contains(name)).ifPresent(names::add);
        names.sort(NEWEST_FIRST);
        return names;
    }

    // A network file system may list a folder as it was a minute ago and still find what it is asked for by name.
    private Optional<StepName> latest() {
        if (!storage.atomicRename()) {
            return Optional.empty();
        }
        try {
            StepName name = StepName.parse(new String(storage.read(CheckpointWriter.LATEST), StandardCharsets.UTF_8).strip());
            return name != null && storage.length(name.folder() + "/" + Done.NAME) >= 0 ? Optional.of(name) : Optional.empty();
        } catch (IOException none) {
            return Optional.empty();
        }
    }

    /** What the folders hold. */
    List<CheckpointInfo> look(List<StepName> names) throws IOException {
        return AtOnce.ask(names, this::look);
    }

    /** What one folder holds. */
    CheckpointInfo look(StepName name) throws IOException {
        String folder = name.folder();
        String problem;
        try {
            Map<String, Long> files = new HashMap<>();
            storage.children(folder).forEach(e -> files.put(e.name(), e.bytes()));
            Done done = done(folder, files.getOrDefault(Done.NAME, -1L));
            if (done.kind() == null) {
                Manifest m = readManifest(folder);
                done = new Done(done.manifestBytes(), done.manifestCrc32c(), m.kind(), m.dataBytes(), m.created());
            }
            requireLength(folder, files.getOrDefault(Manifest.NAME, -1L), done);
            if (!files.containsKey(INVALID)) {
                return new CheckpointInfo(folder, name.step(), true, "", done.kind(), done.dataBytes(), done.created());
            }
            problem = new String(storage.read(folder + "/" + INVALID), StandardCharsets.UTF_8).strip();
        } catch (CorruptCheckpointException e) {
            problem = e.getMessage();
        }
        return new CheckpointInfo(folder, name.step(), false, problem, null, 0, "");
    }

    /** Opens one of them. */
    Checkpoint open(CheckpointInfo info) throws IOException {
        Manifest m = readManifest(info.name());
        String yaml = "";
        if (m.config() != null) {
            byte[] bytes = storage.read(info.name() + "/" + m.config().name());
            if (!Checksums.hex(bytes).equals(m.config().crc32c())) {
                throw new CorruptCheckpointException(storage.root() + "/" + info.name() + "/" + m.config().name()
                        + " does not match its checksum");
            }
            yaml = new String(bytes, StandardCharsets.UTF_8);
        }
        return new Checkpoint(storage, info.name(), m, yaml);
    }

    private Done done(String folder, long length) throws IOException {
        String file = folder + "/" + Done.NAME;
        if (length < 0) {
            throw new CorruptCheckpointException(storage.root() + "/" + file + " is missing: the save did not finish");
        }
        return Manifest.decode(storage.read(file), Done.class, storage.root() + "/" + file);
    }

    private void requireLength(String folder, long length, Done done) throws CorruptCheckpointException {
        String where = storage.root() + "/" + folder + "/" + Manifest.NAME;
        if (length < 0) {
            throw new CorruptCheckpointException(where + " is missing");
        }
        if (length != done.manifestBytes()) {
            throw new CorruptCheckpointException(where + " has " + length + " bytes, " + Done.NAME + " says " + done.manifestBytes());
        }
    }

    private Manifest readManifest(String folder) throws IOException {
        Done done = done(folder, storage.length(folder + "/" + Done.NAME));
        byte[] json = storage.read(folder + "/" + Manifest.NAME);
        requireLength(folder, json.length, done);
        String where = storage.root() + "/" + folder + "/" + Manifest.NAME;
        if (!Checksums.hex(json).equals(done.manifestCrc32c())) {
            throw new CorruptCheckpointException(where + " does not match its checksum in " + Done.NAME);
        }
        Manifest m = Manifest.fromJson(json, where);
        if (!done.tells(m)) {
            throw new CorruptCheckpointException(storage.root() + "/" + folder + "/" + Done.NAME + " does not say what " + Manifest.NAME + " does");
        }
        return m;
    }
}
