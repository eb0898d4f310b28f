package org.longhaul.checkpoint;

import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.tokenizer.Tokenizer;

/**
 * The tokenizer files that a checkpoint keeps beside its weights, where no data set has them: of a model that was imported, or a copy for an archive. Checksums in the manifest
 * say whether they are whole.
 */
public final class CheckpointTokenizer {
    /** Name of the tokenizer itself. */
    public static final String JSON = "tokenizer.json";

    /** All files that belong to a tokenizer, as far as there are any. */
    public static final List<String> FILES = List.of(JSON, "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja");

    private CheckpointTokenizer() {}

    /** The files of a folder, to be kept; empty where it has no tokenizer. */
    public static Map<String, byte[]> in(Path folder) throws IOException {
        Map<String, byte[]> files = new LinkedHashMap<>();
        if (Files.exists(folder.resolve(JSON))) {
            for (String name : FILES) {
                if (Files.exists(folder.resolve(name))) {
                    files.put(name, Files.readAllBytes(folder.resolve(name)));
                }
            }
        }
        return files;
    }

    /** Those that a checkpoint keeps. */
    static Map<String, byte[]> of(Checkpoint checkpoint) {
        Map<String, byte[]> files = new LinkedHashMap<>();
        for (String name : FILES) {
            checkpoint.beside(name).ifPresent(bytes -> files.put(name, bytes));
        }
        return files;
    }

    /** The folder of the data set that a checkpoint was trained on, where that still is and has the tokenizer that the checkpoint was trained with. */
    public static Optional<Path> ofData(CheckpointMeta meta, String checkpoint) {
        String trained = meta.fingerprints().get("tokenizer");
        if (trained == null || meta.configYaml().isEmpty()) {
            return Optional.empty();
        }
        try {
            String data = new YAMLMapper().readTree(meta.configYaml()).path("data").path("path").asText("");
            return data.isEmpty() ? Optional.empty() : DataPlace.candidates(meta, checkpoint, Path.of(data)).stream()
                    .filter(f -> Files.exists(f.resolve(JSON)) && Tokenizer.load(f).fingerprint().equals(trained)).findFirst();
        } catch (IOException | UserError e) {
            return Optional.empty();
        }
    }

    /** What a copy of a checkpoint keeps, so that it is of use without its data set: the files beside it, else those of its data. */
    static Map<String, byte[]> forCopy(Checkpoint checkpoint) {
        Map<String, byte[]> kept = of(checkpoint);
        if (kept.containsKey(JSON)) {
            return kept;
        }
        try {
            Optional<Path> data = ofData(checkpoint.meta(), checkpoint.path());
            return data.isPresent() ? in(data.get()) : Map.of();
        } catch (IOException e) {
            return Map.of();
        }
    }

    /** A folder of this machine with the tokenizer that a checkpoint keeps, wherever that lies; gone when the process ends. Empty where it keeps none. */
    public static Optional<Path> unpack(Checkpoint checkpoint) {
        Map<String, byte[]> files = of(checkpoint);
        if (!files.containsKey(JSON)) {
            return Optional.empty();
        }
        try {
            Path folder = Files.createTempDirectory("longhaul-tokenizer-");
            folder.toFile().deleteOnExit();
            for (var file : files.entrySet()) {
                Files.write(folder.resolve(file.getKey()), file.getValue()).toFile().deleteOnExit();
            }
            return Optional.of(folder);
        } catch (IOException e) {
            throw UserError.environment("no temporary file can be written (" + Reason.of(e) + "): set java.io.tmpdir to a folder with space", e);
        }
    }
}
