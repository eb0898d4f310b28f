package org.longhaul.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.longhaul.checkpoint.Manifest.Part;
import org.longhaul.checkpoint.Manifest.StoredTensor;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.model.Box;
import org.longhaul.tensor.Backend;
import org.longhaul.tensor.DType;

/**
 * A complete checkpoint, opened: what it holds, and its tensors by box. A load takes any boxes, whatever layout wrote the
 * checkpoint, and checks every byte that it reads.
 */
public final class Checkpoint {
    private final Storage storage;
    private final String folder;
    private final Manifest manifest;
    private final CheckpointMeta meta;
    private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();

    Checkpoint(Storage storage, String folder, Manifest manifest, String configYaml) {
        this.storage = storage;
        this.folder = folder;
        this.manifest = manifest;
        this.meta = manifest.meta(configYaml);
        manifest.tensors().forEach(t -> tensors.put(t.name(), t));
    }

    /** Where it lies, for messages. */
    public String path() {
        return storage.root() + "/" + folder;
    }

    /** A small file beside the weights, where there is one of that name. Throws UserError where it is not what was saved. */
    Optional<byte[]> beside(String name) {
        try {
            Optional<byte[]> content = storage.length(folder + "/" + name) < 0 ? Optional.empty() : Optional.of(storage.read(folder + "/" + name));
            String fault = besideFault(name, content);
            if (!fault.isEmpty()) {
                throw UserError.badInput(path() + "/" + name + fault + "; bring back what was there, or import the model again");
            }
            return content;
        } catch (IOException e) {
            throw UserError.environment("cannot read " + path() + "/" + name + ": " + Reason.of(e), e);
        }
    }

    // What is wrong with it by the manifest; older ones say nothing.
    private String besideFault(String name, Optional<byte[]> content) {
        if (manifest.beside() == null) {
            return "";
        }
        Optional<Manifest.StoredFile> saved = manifest.beside().stream().filter(f -> f.name().equals(name)).findFirst();
        if (saved.isEmpty()) {
            return content.isEmpty() ? "" : " is not of this checkpoint: its manifest has no such file";
        }
        if (content.isEmpty()) {
            return " is missing";
        }
        return Checksums.hex(content.get()).equals(saved.get().crc32c()) ? "" : " is not the file that was saved: its checksum is another";
    }

    /** Size of its data files. */
    public long bytes() {
        return manifest.dataBytes();
    }

    /** Everything beside tensors. */
    public CheckpointMeta meta() {
        return meta;
    }

    /** Names of the global tensors, in the order they were saved. */
    public Set<String> tensorNames() {
        return tensors.keySet();
    }

    /** Whether a tensor is there: {@code name.exp_avg} tells whether the optimizer's state is. */
    public boolean has(String tensor) {
        return tensors.containsKey(tensor);
    }

    /** A whole tensor as a box. Throws UserError when it is not there. */
    public Box box(String tensor) {
        return Box.whole(tensor, stored(tensor).shape());
    }

    /** Stored element type. */
    public DType dtype(String tensor) {
        return stored(tensor).dtype();
    }

    /** Fills device tensors. Throws UserError (exit 2) when a box is not in the checkpoint or its bytes are damaged. */
    public void load(Backend backend, List<BoxData> wanted) {
        try {
            loadChecked(backend, wanted);
        } catch (CorruptCheckpointException e) {
            throw UserError.badInput(e.getMessage() + "; name another step, `longhaul checkpoint ls` shows them", e);
        } catch (IOException e) {
            throw UserError.environment("cannot read " + path() + ": " + Reason.of(e), e);
        }
    }

    void loadChecked(Backend backend, List<BoxData> wanted) throws IOException {
        try (BoxLoader loader = new BoxLoader(this)) {
            for (BoxData w : wanted) {
                DType dtype = w.tensor().dtype();
                loader.tiles(w.box(), dtype, (tile, start, bytes) ->
                        backend.upload(w.tensor().slice(start, start + tile.elements()), bytes));
            }
            loader.finish();
        }
    }

    /**
     * Streams one box to the host in flat order; {@code sink} gets consecutive parts of it as little-endian bytes of {@code dtype}.
     * Throws UserError like {@link #load}, and what {@code sink} throws.
     */
    public void stream(Box box, DType dtype, HostSink sink) throws IOException {
        try (BoxLoader loader = new BoxLoader(this)) {
            loader.tiles(box, dtype, (tile, start, bytes) -> {
                try {
                    sink.accept(bytes.order(ByteOrder.LITTLE_ENDIAN));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            loader.finish();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        } catch (CorruptCheckpointException e) {
            throw UserError.badInput(e.getMessage(), e);
        } catch (IOException e) {
            throw UserError.environment("cannot read " + path() + ": " + Reason.of(e), e);
        }
    }

    /** Takes consecutive bytes of a box. */
    public interface HostSink {
        /** The buffer is the caller's again on return. */
        void accept(ByteBuffer bytes) throws IOException;
    }

    /** Reads everything; each entry of the answer is one fault, naming file and bytes. */
    public List<String> verify() {
        Set<String> faults = new TreeSet<>();
        Map<String, List<Part>> byFile = new LinkedHashMap<>();
        for (StoredTensor t : tensors.values()) {
            List<Box> boxes = t.parts().stream().map(t::box).toList();
            for (Box gap : Boxes.missing(Box.whole(t.name(), t.shape()), boxes)) {
                faults.add(path() + "/" + Manifest.NAME + " has no data for " + gap);
            }
            t.parts().forEach(p -> byFile.computeIfAbsent(p.file(), k -> new ArrayList<>()).add(p));
        }
        for (Manifest.StoredFile f : manifest.files()) {
            String name = folder + "/" + f.name();
            try {
                long length = storage.length(name);
                if (length < 0) {
                    faults.add(storage.root() + "/" + name + " is missing");
                    continue;
                }
                if (length != f.bytes()) {
                    faults.add(storage.root() + "/" + name + " has " + length + " bytes, its manifest says " + f.bytes());
                }
                verifyParts(byFile.getOrDefault(f.name(), List.of()), faults);
                verifyPadding(f, byFile.getOrDefault(f.name(), List.of()), faults);
            } catch (IOException e) {
                faults.add(storage.root() + "/" + name + ": " + Reason.of(e));
            }
        }
        verifyBeside(faults);
        return List.copyOf(faults);
    }

    private void verifyBeside(Set<String> faults) {
        for (String file : CheckpointTokenizer.FILES) {
            try {
                beside(file);
            } catch (UserError e) {
                faults.add(e.getMessage());
            }
        }
    }

    private void verifyParts(List<Part> parts, Set<String> faults) throws IOException {
        try (PartReader reader = new PartReader(storage, folder, manifest.chunkBytes())) {
            for (Part p : parts) {
                // Chunk by chunk, so that one damaged chunk does not hide the next.
                for (long at = 0; at < p.bytes(); at += manifest.chunkBytes()) {
                    try {
                        reader.read(p, at, Math.min(at + manifest.chunkBytes(), p.bytes()), (bytes, start) -> {});
                    } catch (CorruptCheckpointException e) {
                        faults.add(e.getMessage());
                    }
                }
            }
        }
    }

    // Bytes between boxes are zero; anything else there means that something wrote into the file.
    private void verifyPadding(Manifest.StoredFile file, List<Part> parts, Set<String> faults) throws IOException {
        List<Part> sorted = new ArrayList<>(parts);
        sorted.sort((a, b) -> Long.compare(a.at(), b.at()));
        try (Storage.Input in = storage.open(folder + "/" + file.name())) {
            long at = 0;
            for (int i = 0; i <= sorted.size(); i++) {
                long next = i < sorted.size() ? sorted.get(i).at() : file.bytes();
                if (next > at && next - at <= DataFile.ALIGNMENT) {
                    byte[] gap = new byte[(int) (next - at)];
                    in.read(ByteBuffer.wrap(gap), at);
                    int bad = Arrays.mismatch(gap, new byte[gap.length]);
                    if (bad >= 0) {
                        faults.add(storage.root() + "/" + folder + "/" + file.name() + " is damaged at byte " + (at + bad)
                                + ": padding is not zero");
                    }
                }
                at = i < sorted.size() ? sorted.get(i).at() + sorted.get(i).bytes() : next;
            }
        }
    }

    Storage storage() {
        return storage;
    }

    String folder() {
        return folder;
    }

    Manifest manifest() {
        return manifest;
    }

    StoredTensor stored(String tensor) {
        StoredTensor t = tensors.get(tensor);
        if (t == null) {
            String hint = tensor.endsWith(".exp_avg") || tensor.endsWith(".exp_avg_sq")
                    ? "; it has weights only, so training cannot resume from it, but init_from can start from it"
                    : "; was it saved by a model of another shape?";
            throw UserError.badInput(path() + " has no tensor " + tensor + hint);
        }
        return t;
    }

    static ByteBuffer hostBuffer(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }
}
