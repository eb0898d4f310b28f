package org.longhaul.shards;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;

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
    public static final int VERSION = 2;

    /** Name of the manifest in a data set's folder. */
    public static final String FILE = "manifest.json";

    /** The tokenizer: its fingerprint, and the file beside the manifest that holds it, or empty. */
    public record Tokenizer(String fingerprint, String file) {}

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
     */
    public record Shard(
            Counts total,
            SortedMap<String, Counts> sources,
            SortedMap<String, Counts> languages,
            DataFile tokens,
            DataFile documents,
            @JsonInclude(JsonInclude.Include.NON_NULL) DataFile pageSums) {
        /** Bytes of token ids under one checksum: whole ids, counted from the first one of the shard. */
        public static final int PAGE_BYTES = 1 << 15;

        /** All its files. */
        public List<DataFile> files() {
            return pageSums == null ? List.of(tokens, documents) : List.of(tokens, documents, pageSums);
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
    }

    /** Digest of the configuration, the inputs and free notes. */
    public record Lineage(String configDigest, List<Input> inputs, SortedMap<String, String> notes) {}

    /** One input file of the pipeline. */
    public record Input(String source, String path, long bytes) {}

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
