package org.longhaul.checkpoint;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.longhaul.checkpoint.Manifest.Done;
import org.longhaul.checkpoint.Manifest.Part;
import org.longhaul.checkpoint.Manifest.RankPart;
import org.longhaul.checkpoint.Manifest.StoredFile;
import org.longhaul.checkpoint.Manifest.StoredTensor;
import org.longhaul.error.Reason;
import org.longhaul.model.Box;
import org.longhaul.trust.Faults;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes staged images and commits them: every rank its file, then rank 0 the manifest, {@code DONE}, and the rename. */
final class CheckpointWriter {
    static final String CONFIG = "config.yaml";
    static final String LATEST = "LATEST";

    private static final Logger LOG = LoggerFactory.getLogger(CheckpointWriter.class);

    private final CheckpointStore store;
    private final Storage storage;
    private final RankGroup group;

    CheckpointWriter(CheckpointStore store) {
        this.store = store;
        this.storage = store.storage();
        this.group = store.group();
    }

    /** Another rank failed; its own log says why. */
    static final class PeerFailed extends IOException {
        private static final long serialVersionUID = 1L;

        PeerFailed(String what) {
            super(what);
        }
    }

    /** Writes a rank's data files into a folder. */
    interface Body {
        RankPart write(Storage storage, String folder, int rank) throws IOException;
    }

    /** What one phase does on this rank. */
    private interface Phase {
        void run() throws IOException;
    }

    /** Returns the name of the committed folder. Every rank calls it; when one fails, all throw and nothing is left of it. */
    String write(CheckpointMeta meta, Body body) throws IOException {
        StepName[] found = new StepName[1];
        phase("prepare", () -> {
            if (group.rank() == 0) {
                found[0] = target(meta.step());
                store.requireOwned();
                prepare(folder(found[0]));
            }
        });
        // Others may not see yet which attempts there are.
        StepName target = StepName.parse(group.first(group.rank() == 0 ? found[0].folder() : ""));
        String folder = folder(target);
        try {
            phase("write its part", () -> {
                Faults.point("checkpoint.write");
                if (group.rank() > 0 && storage.atomicRename()) {
                    // Where a network file system still believes that it is not there, making it is what mends that.
                    storage.makeFolder(folder);
                }
                RankPart part = body.write(storage, folder, group.rank());
                storage.write(folder + "/" + partName(group.rank()), Manifest.encode(part));
            });
            phase("commit", () -> {
                if (group.rank() == 0) {
                    commit(meta, target, folder);
                }
            });
        } catch (IOException | RuntimeException e) {
            if (group.rank() == 0) {
                discard(folder);
            }
            throw e;
        }
        return target.folder();
    }

    private void phase(String what, Phase phase) throws IOException {
        boolean mine = false;
        boolean all;
        try {
            phase.run();
            mine = true;
        } finally {
            all = group.all(mine);
        }
        if (!all) {
            throw new PeerFailed("another rank could not " + what);
        }
    }

    private void prepare(String folder) throws IOException {
        storage.makeFolder("");
        storage.delete(folder);
        storage.makeFolder(folder);
    }

    private StepName target(long step) throws IOException {
        int attempt = 0;
        for (Storage.Entry e : storage.children("")) {
            StepName name = StepName.parse(e.name());
            if (name != null && name.step() == step && storage.length(e.name() + "/" + Done.NAME) >= 0) {
                attempt = Math.max(attempt, name.attempt());
            }
        }
        return new StepName(step, attempt + 1);
    }

    private String folder(StepName target) {
        return storage.atomicRename() ? target.staging() : target.folder();
    }

    private void commit(CheckpointMeta meta, StepName target, String folder) throws IOException {
        List<String> names = IntStream.range(0, group.size()).mapToObj(r -> folder + "/" + partName(r)).toList();
        List<RankPart> parts = AtOnce.ask(names, name -> Manifest.decode(storage.read(name), RankPart.class, storage.root() + "/" + name));
        StoredFile config = null;
        if (!meta.configYaml().isEmpty()) {
            byte[] yaml = meta.configYaml().getBytes(StandardCharsets.UTF_8);
            storage.write(folder + "/" + CONFIG, yaml);
            config = new StoredFile(CONFIG, yaml.length, Checksums.hex(yaml));
        }
        Manifest manifest = new Manifest(Manifest.FORMAT, meta.step(), meta.kind(),
                Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(), meta.model(), meta.fingerprints(), meta.state(),
                group.size(), DataFile.CHUNK, config, parts.stream().flatMap(p -> p.files().stream()).toList(), merge(parts),
                parts.stream().flatMap(p -> p.beside().stream()).toList());
        byte[] json = manifest.toJson();
        Faults.point("checkpoint.manifest");
        storage.write(folder + "/" + Manifest.NAME, json);
        AtOnce.ask(names, name -> {
            storage.delete(name);
            return name;
        });
        storage.syncFolder(folder);
        Faults.point("checkpoint.done");
        storage.write(folder + "/" + Done.NAME, Manifest.encode(
                new Done(json.length, Checksums.hex(json), manifest.kind(), manifest.dataBytes(), manifest.created())));
        if (storage.atomicRename()) {
            storage.syncFolder(folder);
            Faults.point("checkpoint.rename");
            storage.rename(folder, target.folder());
        }
        Faults.point("checkpoint.renamed");
        try {
            storage.replace(LATEST, (target.folder() + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // Only people read it.
            LOG.debug("{} not updated", LATEST, e);
        }
    }

    /** One list of tensors from the ranks' lists; each tensor must be covered whole, replicas must agree. */
    static List<StoredTensor> merge(List<RankPart> ranks) throws IOException {
        Map<String, StoredTensor> first = new LinkedHashMap<>();
        Map<String, Map<Box, Part>> parts = new LinkedHashMap<>();
        for (RankPart rank : ranks) {
            for (StoredTensor t : rank.tensors()) {
                StoredTensor known = first.putIfAbsent(t.name(), t);
                if (known != null && (known.dtype() != t.dtype() || !Arrays.equals(known.shape(), t.shape()))) {
                    throw new IOException("rank " + rank.rank() + " has " + t.name() + " as " + t.dtype() + Arrays.toString(t.shape())
                            + ", an earlier rank as " + known.dtype() + Arrays.toString(known.shape()));
                }
                Map<Box, Part> boxes = parts.computeIfAbsent(t.name(), k -> new LinkedHashMap<>());
                for (Part p : t.parts()) {
                    Part twin = boxes.putIfAbsent(t.box(p), p);
                    if (twin != null && !twin.crc32c().equals(p.crc32c())) {
                        LOG.warn("{}: {} and {} hold different values of the same replica; {} is kept", t.box(p), twin.file(), p.file(),
                                twin.file());
                    }
                }
            }
        }
        List<StoredTensor> merged = new ArrayList<>();
        for (StoredTensor t : first.values()) {
            Map<Box, Part> boxes = parts.get(t.name());
            List<Box> gaps = Boxes.missing(Box.whole(t.name(), t.shape()), List.copyOf(boxes.keySet()));
            if (!gaps.isEmpty()) {
                throw new IOException("no rank holds " + gaps.get(0));
            }
            merged.add(new StoredTensor(t.name(), t.dtype(), t.shape(), List.copyOf(boxes.values())));
        }
        return merged;
    }

    private void discard(String folder) {
        try {
            storage.delete(folder);
        } catch (IOException e) {
            LOG.debug("the half-written {}/{} stays for now: {}", storage.root(), folder, Reason.of(e));
            store.deleteLater(folder);
        }
    }

    private static String partName(int rank) {
        return "rank-%04d.json".formatted(rank);
    }
}
