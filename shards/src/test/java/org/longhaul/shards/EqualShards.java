package org.longhaul.shards;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/** Data sets whose shards are all of one size, and the manifests of an older Longhaul. */
final class EqualShards {
    private EqualShards() {}

    /** Two training shards and one to validate on, each of 30 documents of 1,000 random ids. */
    static void write(Path folder, long seed) throws IOException {
        Random random = new Random(seed);
        Map<String, List<ShardManifest.Shard>> shards = new TreeMap<>();
        for (String name : List.of("train-00000", "train-00001", "validation-00000")) {
            ShardWriter writer = new ShardWriter(file -> Files.newOutputStream(folder.resolve(file)), name, 5_000);
            for (int d = 0; d < 30; d++) {
                writer.add(random.nextLong(), d, "web", "en", 100, random.ints(1_000, 0, 5_000).toArray(), 1_000);
            }
            shards.computeIfAbsent(name.substring(0, name.indexOf('-')), n -> new ArrayList<>()).add(writer.finish().shard());
        }
        write(folder, ShardManifest.of(5_000, OptionalInt.empty(), 0, ShardManifest.Tokenizer.nowhere("f00d"), shards, Map.of(),
                new ShardManifest.Lineage("c0ffee", List.of(), new TreeMap<>())));
    }

    /** Gives a data set's manifest a tokenizer. */
    static void tokenizer(Path folder, ShardManifest.Tokenizer tokenizer) throws IOException {
        ShardManifest m = ManifestFile.parse(Files.readAllBytes(folder.resolve(ShardManifest.FILE)), folder.toString());
        write(folder, new ShardManifest(m.format(), m.version(), "0".repeat(32), m.fingerprint(), m.tokenType(), m.vocabularySize(), m.beginOfDocument(),
                m.endOfDocument(), tokenizer, m.splits(), m.lineage()));
    }

    private static void write(Path folder, ShardManifest manifest) throws IOException {
        Files.write(folder.resolve(ShardManifest.FILE), ManifestFile.toBytes(manifest));
    }

    /** Makes of a data set what a Longhaul of format version 1, without checksums of pages, or 2, without those of documents and tokenizer, would have written. */
    static void makeOld(Path folder, int version) throws IOException {
        Path file = folder.resolve(ShardManifest.FILE);
        ShardManifest m = ManifestFile.parse(Files.readAllBytes(file), file.toString());
        TreeMap<String, ShardManifest.Split> splits = new TreeMap<>();
        UnaryOperator<ShardManifest.Shard> old = shard -> {
            try {
                Files.delete(folder.resolve(shard.documentSums().name()));
                if (version == 1) {
                    Files.delete(folder.resolve(shard.pageSums().name()));
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return new ShardManifest.Shard(shard.total(), shard.sources(), shard.languages(), shard.tokens(), shard.documents(), version == 1 ? null : shard.pageSums(), null);
        };
        m.splits().forEach((name, split) -> splits.put(name, new ShardManifest.Split(
                split.total(), split.unigramEntropy(), split.sources(), split.languages(), split.shards().stream().map(old).toList())));
        write(folder, new ShardManifest(m.format(), version, "0".repeat(32), m.fingerprint(), m.tokenType(), m.vocabularySize(),
                m.beginOfDocument(), m.endOfDocument(), new ShardManifest.Tokenizer(m.tokenizer().fingerprint(), m.tokenizer().file(), null), splits, m.lineage()));
    }
}
