package org.longhaul.shards;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What {@code manifest.json} of a data set says. Field meanings: {@code docs/formats/shards.md}.
 *
 * @param format always {@value #FORMAT}
 * @param version of the format
 * @param checksum XXH3-128 of the manifest file with this value's digits set to zero
 * @param fingerprint of the content: equal for two data sets with the same tokens, documents and vocabulary wherever they lie
 * @param tokenType width of an id
 * @param vocabularySize number of ids
 * @param beginOfDocument id that begins every document; null (absent) where documents begin with their text
 * @param endOfDocument id that ends every document
 * @param tokenizer the tokenizer that made the ids
 * @param splits by name: {@code train}, {@code validation}
 * @param lineage where the data came from
 */
public record ShardManifest(
        String format,
        int version,
        String checksum,
        String fingerprint,
        TokenType tokenType,
        int vocabularySize,
        @JsonInclude(JsonInclude.Include.NON_NULL) Integer beginOfDocument,
        int endOfDocument,
        Tokenizer tokenizer,
        SortedMap<String, Split> splits,
        Lineage lineage) {
    /** Name of the format. */
    public static final String FORMAT = "longhaul-shards";

    /** Version that this code writes and the newest that it reads. */
    public static final int VERSION = 3;

    /** Name of the manifest in a data set's folder. */
    public static final String FILE = "manifest.json";

    /**
     * The tokenizer.
     *
     * @param file beside the manifest that holds it, or empty
     * @param files that file and its settings, with checksums; null (absent) where there is none, and in data sets made before there were checksums of it
     */
    public record Tokenizer(String fingerprint, String file, @JsonInclude(JsonInclude.Include.NON_NULL) List<DataFile> files) {
        /** Name of the file with its settings, beside it. */
        public static final String SETTINGS = "tokenizer_config.json";

        /** One without files. */
        public static Tokenizer nowhere(String fingerprint) {
            return new Tokenizer(fingerprint, "", null);
        }
    }

    /**
     * One split.
     *
     * @param unigramEntropy of the token distribution, in nats per token: what a model that knows only token frequencies reaches
     */
    public record Split(
            Counts total,
            double unigramEntropy,
            SortedMap<String, Counts> sources,
            SortedMap<String, Counts> languages,
            List<Shard> shards) {}

    /**
     * One shard: a file of token ids and a file with a row for every document.
     *
     * @param pageSums a file with the CRC32C of every {@link #PAGE_BYTES} bytes of token ids, for checks while training reads; null (absent)
     *     in data sets made before there were such files
     * @param documentSums the same for the bytes of the document file
     */
    public record Shard(
            Counts total,
            SortedMap<String, Counts> sources,
            SortedMap<String, Counts> languages,
            DataFile tokens,
            DataFile documents,
            @JsonInclude(JsonInclude.Include.NON_NULL) DataFile pageSums,
            @JsonInclude(JsonInclude.Include.NON_NULL) DataFile documentSums) {
        /** Bytes of token ids under one checksum: whole ids, counted from the first one of the shard. */
        public static final int PAGE_BYTES = 1 << 15;

        /** All its files. */
        public List<DataFile> files() {
            return Stream.of(tokens, documents, pageSums, documentSums).filter(Objects::nonNull).toList();
        }
    }

    /**
     * One file.
     *
     * @param name relative to the manifest
     * @param xxh3 XXH3-128 of the file
     * @param blocks XXH3-64 of every block of {@link #BLOCK_BYTES} bytes
     */
    public record DataFile(String name, long bytes, String xxh3, List<String> blocks) {
        /** Bytes of a checksummed block. */
        public static final int BLOCK_BYTES = 1 << 22;

        /** The entry of a small file. */
        public static DataFile of(String name, byte[] content) {
            try (ChecksumOutput out = new ChecksumOutput(OutputStream.nullOutputStream(), BLOCK_BYTES)) {
                out.write(content);
                return out.finish(name);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Digest of the configuration, the inputs and free notes. */
    public record Lineage(String configDigest, List<Input> inputs, SortedMap<String, String> notes) {}

    /** One input file of the pipeline. */
    public record Input(String source, String path, long bytes) {}

    /** The files of all splits and of the tokenizer. */
    List<DataFile> files() {
        Stream<DataFile> shards = splits.values().stream().flatMap(split -> split.shards().stream()).flatMap(shard -> shard.files().stream());
        return Stream.concat(shards, tokenizer.files() == null ? Stream.of() : tokenizer.files().stream()).toList();
    }

    /** Puts a manifest together; sums the shards of every split and computes the fingerprint. */
    public static ShardManifest of(
            int vocabularySize,
            OptionalInt beginOfDocument,
            int endOfDocument,
            Tokenizer tokenizer,
            Map<String, List<Shard>> shards,
            Map<String, Double> unigramEntropy,
            Lineage lineage) {
        SortedMap<String, Split> splits = new TreeMap<>();
        shards.forEach((name, list) -> {
            Counts total = Counts.ZERO;
            SortedMap<String, Counts> sources = new TreeMap<>();
            SortedMap<String, Counts> languages = new TreeMap<>();
            for (Shard shard : list) {
                total = total.plus(shard.total);
                shard.sources.forEach((k, v) -> sources.merge(k, v, Counts::plus));
                shard.languages.forEach((k, v) -> languages.merge(k, v, Counts::plus));
            }
            splits.put(name, new Split(total, unigramEntropy.getOrDefault(name, 0.0), sources, languages, List.copyOf(list)));
        });
        TokenType type = TokenType.forVocabulary(vocabularySize);
        StringBuilder content = new StringBuilder();
        content.append(type).append(' ').append(vocabularySize).append(' ').append(endOfDocument).append(' ').append(tokenizer.fingerprint);
        beginOfDocument.ifPresent(id -> content.append(" begin ").append(id));
        splits.forEach((name, split) -> {
            content.append('\n').append(name);
            for (Shard shard : split.shards) {
                content.append(' ').append(shard.tokens.xxh3).append(' ').append(shard.documents.xxh3);
            }
        });
        return new ShardManifest(FORMAT, VERSION, "0".repeat(32), Hex.xxh3(content.toString()), type, vocabularySize,
                beginOfDocument.isPresent() ? beginOfDocument.getAsInt() : null, endOfDocument, tokenizer, splits, lineage);
    }

    /** Entropy in nats of a distribution given by counts. */
    public static double entropy(long[] counts) {
        double total = 0;
        for (long count : counts) {
            total += count;
        }
        double entropy = 0;
        for (long count : counts) {
            if (count > 0) {
                double p = count / total;
                entropy -= p * Math.log(p);
            }
        }
        return entropy;
    }
}
