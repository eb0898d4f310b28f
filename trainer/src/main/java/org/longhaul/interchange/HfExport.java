package org.longhaul.interchange;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.longhaul.checkpoint.Checkpoint;
import org.longhaul.checkpoint.CheckpointMeta;
import org.longhaul.checkpoint.CheckpointTokenizer;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.interchange.Safetensors.Entry;
import org.longhaul.interchange.Safetensors.Type;
import org.longhaul.model.Box;
import org.longhaul.model.ModelConfig;
import org.longhaul.shards.ManifestFile;
import org.longhaul.shards.ShardManifest;
import org.longhaul.shards.TokenizerSums;
import org.longhaul.tensor.DType;
import org.longhaul.tokenizer.Tokenizer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes a checkpoint's weights as a Hugging Face Llama folder, one tensor after the other, whatever layout saved them. */
final class HfExport {
    private static final Logger LOG = LoggerFactory.getLogger(HfExport.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Checkpoint checkpoint;
    private final DType dtype;
    private final long maxShard;
    private final Path tokenizer;

    /** Prepares an export; {@code tokenizer} is a folder with {@code tokenizer.json}, or null. */
    HfExport(Checkpoint checkpoint, DType dtype, long maxShard, Path tokenizer) {
        this.checkpoint = checkpoint;
        this.dtype = dtype;
        this.maxShard = maxShard;
        this.tokenizer = tokenizer;
    }

    /**
     * The tokenizer that a checkpoint was trained with, where the data set that its configuration names is still there; null
     * otherwise.
     */
    static Path tokenizerOf(CheckpointMeta meta, String checkpoint) {
        return CheckpointTokenizer.ofData(meta, checkpoint).orElse(null);
    }

    /** Writes the folder beside its place and moves it there when it is whole. */
    void write(Path folder) {
        Path target = folder.toAbsolutePath().normalize();
        Path staging = target.resolveSibling("." + target.getFileName() + ".partial");
        try {
            if (Files.exists(target)) {
                requireEmpty(target);
            }
            delete(staging);
            Files.createDirectories(staging);
            configuration(staging);
            weights(staging);
            if (Files.exists(target)) {
                Files.delete(target);
            }
            Files.move(staging, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw UserError.environment("cannot write " + target + ": " + Reason.of(e), e);
        }
    }

    private void configuration(Path folder) throws IOException {
        ModelConfig model = checkpoint.meta().model();
        int bos = -1;
        int eos = -1;
        if (tokenizer != null) {
            TokenizerSums.require(tokenizer.resolve("tokenizer.json")).ifPresent(LOG::info);
            Tokenizer t = Tokenizer.load(tokenizer);
            bos = t.beginOfSentence().orElse(-1);
            eos = t.endOfSentence();
            if (t.vocabSize() > model.vocab()) {
                throw UserError.badInput(tokenizer + " has " + t.vocabSize() + " ids, the model of " + checkpoint.path() + " only "
                        + model.vocab());
            }
            String trained = checkpoint.meta().fingerprints().get("tokenizer");
            if (trained != null && !trained.equals(t.fingerprint())) {
                throw UserError.badInput(tokenizer + " is not the tokenizer that " + checkpoint.path() + " was trained with: fingerprint "
                        + t.fingerprint() + ", the checkpoint says " + trained);
            }
            begins(t);
            for (String name : CheckpointTokenizer.FILES) {
                if (Files.exists(tokenizer.resolve(name))) {
                    Files.copy(tokenizer.resolve(name), folder.resolve(name));
                }
            }
        }
        json(folder.resolve(HfConfig.NAME), HfConfig.describe(model, dtype, bos, eos));
        json(folder.resolve("generation_config.json"), HfConfig.generation(bos, eos));
    }

    // Whoever serves the folder puts the prefix in front of every prompt; a model that never saw it would answer worse, without a word.
    private void begins(Tokenizer t) throws IOException {
        Path manifest = tokenizer.resolve(ShardManifest.FILE);
        if (t.textPrefix().isPresent() && Files.exists(manifest)
                && ManifestFile.parse(Files.readAllBytes(manifest), manifest.toString()).beginOfDocument() == null) {
            LOG.warn("documents of {} begin with their text, but its tokenizer puts token {} in front of every prompt: serve the export without "
                    + "special tokens (add_special_tokens: false), or train on shards of this version of the pipeline", tokenizer,
                    t.textPrefix().getAsInt());
        }
    }

    private void weights(Path folder) throws IOException {
        List<List<Entry>> shards = shards(HfFolder.boxes(checkpoint.meta().model()));
        ObjectNode index = JSON.createObjectNode();
        long total = shards.stream().flatMap(List::stream).mapToLong(Entry::bytes).sum();
        index.putObject("metadata").put("total_size", total);
        ObjectNode map = index.putObject("weight_map");
        for (int i = 0; i < shards.size(); i++) {
            String name = shards.size() == 1 ? HfFolder.SINGLE : "model-%05d-of-%05d.safetensors".formatted(i + 1, shards.size());
            file(folder.resolve(name), shards.get(i));
            shards.get(i).forEach(e -> map.put(e.name(), name));
        }
        if (shards.size() > 1) {
            json(folder.resolve(HfFolder.INDEX), index);
        }
    }

    private List<List<Entry>> shards(List<Box> boxes) {
        Type type = Type.valueOf(dtype.name());
        List<List<Entry>> shards = new ArrayList<>();
        List<Entry> shard = new ArrayList<>();
        long at = 0;
        for (Box box : boxes) {
            Entry e = new Entry(box.tensor(), type, box.globalShape(), at);
            if (at > 0 && at + e.bytes() > maxShard) {
                shards.add(shard);
                shard = new ArrayList<>();
                at = 0;
                e = new Entry(box.tensor(), type, box.globalShape(), 0);
            }
            shard.add(e);
            at += e.bytes();
        }
        shards.add(shard);
        return shards;
    }

    private void file(Path path, List<Entry> entries) throws IOException {
        try (FileChannel out = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            write(out, ByteBuffer.wrap(Safetensors.header(entries)));
            for (Entry e : entries) {
                checkpoint.stream(Box.whole(e.name(), e.shape()), dtype, bytes -> write(out, bytes));
            }
            out.force(true);
        }
    }

    private static void write(FileChannel out, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }

    private static void json(Path file, ObjectNode node) throws IOException {
        Files.writeString(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(node) + "\n");
    }

    private static void requireEmpty(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            throw UserError.badInput(folder + " is a file; name a folder that is empty or not there yet");
        }
        try (Stream<Path> inside = Files.list(folder)) {
            if (inside.findAny().isPresent()) {
                throw UserError.badInput(folder + " is not empty; name a folder that is empty or not there yet");
            }
        }
    }

    private static void delete(Path folder) throws IOException {
        if (Files.exists(folder)) {
            try (Stream<Path> inside = Files.list(folder)) {
                for (Path p : inside.toList()) {
                    Files.delete(p);
                }
            }
            Files.delete(folder);
        }
    }
}
