package org.longhaul.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.longhaul.model.Box;
import org.longhaul.model.ModelConfig;
import org.longhaul.tensor.DType;

/**
 * What {@code manifest.json} says: every tensor's global shape and type, and where each box of it lies. {@code beside} is null in manifests that are older than
 * it. {@code docs/formats/checkpoints.md} describes the file.
 */
record Manifest(
        int format,
        long step,
        SaveKind kind,
        String created,
        ModelConfig model,
        Map<String, String> fingerprints,
        JsonNode state,
        int ranks,
        int chunkBytes,
        StoredFile config,
        List<StoredFile> files,
        List<StoredTensor> tensors,
        List<StoredFile> beside) {
    static final int FORMAT = 1;
    static final String NAME = "manifest.json";

    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .build();

    Manifest {
        files = List.copyOf(files);
        tensors = List.copyOf(tensors);
        fingerprints = Map.copyOf(fingerprints);
        beside = beside == null ? null : List.copyOf(beside);
    }

    CheckpointMeta meta(String configYaml) {
        return new CheckpointMeta(step, kind, model, configYaml, fingerprints, state);
    }

    long dataBytes() {
        return files.stream().mapToLong(StoredFile::bytes).sum();
    }

    byte[] toJson() {
        return encode(this);
    }

    static Manifest fromJson(byte[] bytes, String where) throws CorruptCheckpointException {
        Manifest m = decode(bytes, Manifest.class, where);
        if (m.format != FORMAT) {
            throw new CorruptCheckpointException(where + " has format " + m.format + "; this version reads format " + FORMAT);
        }
        return m;
    }

    static byte[] encode(Object value) {
        try {
            return JSON.writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    static <T> T decode(byte[] bytes, Class<T> type, String where) throws CorruptCheckpointException {
        try {
            return JSON.readValue(bytes, type);
        } catch (IOException e) {
            String why = e instanceof JsonProcessingException j ? j.getOriginalMessage() : e.getMessage();
            throw new CorruptCheckpointException(where + " cannot be read: " + why);
        }
    }

    /** A file of the folder; {@code crc32c} is empty where chunks are checked instead. */
    record StoredFile(String name, long bytes, String crc32c) {}

    /** A global tensor and its parts. */
    record StoredTensor(String name, DType dtype, long[] shape, List<Part> parts) {
        StoredTensor {
            parts = List.copyOf(parts);
        }

        Box box(Part part) {
            return new Box(name, shape, part.offset(), part.extent());
        }
    }

    /**
     * One box, dense and row-major, little-endian, at byte {@code at} of {@code file}. {@code crc32c} has eight hexadecimal digits for
     * each chunk of {@code chunk_bytes}, counted from {@code at}; the last chunk may be shorter.
     */
    record Part(long[] offset, long[] extent, String file, long at, long bytes, String crc32c) {
        int chunkCrc(long index) {
            return Integer.parseUnsignedInt(crc32c, (int) index * 8, (int) index * 8 + 8, 16);
        }
    }

    /** What one rank wrote, before the coordinator merges. */
    record RankPart(int rank, List<StoredFile> files, List<StoredTensor> tensors, List<StoredFile> beside) {
        RankPart {
            files = List.copyOf(files);
            tensors = List.copyOf(tensors);
            beside = List.copyOf(beside);
        }
    }

    /**
     * The content of {@code DONE}: what fits the manifest, and what a listing shows, so that it need not read manifests of megabytes. Older
     * ones have only the first two; {@code kind} is null there.
     */
    record Done(long manifestBytes, String manifestCrc32c, SaveKind kind, long dataBytes, String created) {
        static final String NAME = "DONE";

        /** Whether this is of the manifest, as far as it says more than length and checksum. */
        boolean tells(Manifest m) {
            boolean older = kind == null && dataBytes == 0 && created == null;
            return older || kind == m.kind && dataBytes == m.dataBytes() && m.created.equals(created);
        }
    }
}
