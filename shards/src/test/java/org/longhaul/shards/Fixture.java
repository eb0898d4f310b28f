package org.longhaul.shards;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.TreeMap;

/** A random data set on disk and the same content as plain lists. */
final class Fixture {
    static final String[] SOURCES = {"web", "code", "poems"};
    static final String[] LANGUAGES = {"en", "zh"};

    record Document(long idHigh, long idLow, String source, String language, long bytes, int[] ids) {}

    final Path folder;
    final int vocabulary;
    final Map<String, List<List<Document>>> content = new LinkedHashMap<>();

    Fixture(Path folder, int vocabulary, long seed, int shardsPerSplit, int documentsPerShard, int maxLength) throws IOException {
        this(folder, vocabulary, seed, shardsPerSplit, documentsPerShard, maxLength, false);
    }

    Fixture(Path folder, int vocabulary, long seed, int shardsPerSplit, int documentsPerShard, int maxLength, boolean closed)
            throws IOException {
        this.folder = folder;
        this.vocabulary = vocabulary;
        Random random = new Random(seed);
        Map<String, List<ShardManifest.Shard>> shards = new LinkedHashMap<>();
        Map<String, Double> entropy = new TreeMap<>();
        for (String split : List.of("train", "validation")) {
            List<ShardManifest.Shard> entries = new ArrayList<>();
            List<List<Document>> lists = new ArrayList<>();
            long[] counts = new long[vocabulary];
            for (int s = 0; s < shardsPerSplit; s++) {
                List<Document> documents = new ArrayList<>();
                // The middle shard of three is empty: a legal outcome of hashing few documents to buckets.
                int n = shardsPerSplit == 3 && s == 1 ? 0 : documentsPerShard;
                ShardWriter writer = new ShardWriter(name -> Files.newOutputStream(folder.resolve(name)), String.format("%s-%05d", split, s), vocabulary);
                for (int d = 0; d < n; d++) {
                    int[] ids = random.ints(1 + random.nextInt(maxLength), 0, vocabulary).toArray();
                    if (closed) {
                        ids[ids.length - 1] = 0;
                    }
                    Document document = new Document(random.nextLong(), random.nextLong(), SOURCES[random.nextInt(3)],
                            LANGUAGES[random.nextInt(2)], random.nextInt(1000), ids);
                    writer.add(document.idHigh, document.idLow, document.source, document.language, document.bytes, ids, ids.length);
                    documents.add(document);
                }
                ShardWriter.Result result = writer.finish();
                entries.add(result.shard());
                lists.add(documents);
                for (int i = 0; i < vocabulary; i++) {
                    counts[i] += result.tokenCounts()[i];
                }
            }
            shards.put(split, entries);
            entropy.put(split, ShardManifest.entropy(counts));
            content.put(split, lists);
        }
        ShardManifest manifest = ShardManifest.of(vocabulary, OptionalInt.empty(), 0, ShardManifest.Tokenizer.nowhere("f00d"), shards, entropy,
                new ShardManifest.Lineage("c0ffee", List.of(new ShardManifest.Input("web", "web.jsonl", 12)), new TreeMap<>()));
        Files.write(folder.resolve(ShardManifest.FILE), ManifestFile.toBytes(manifest));
    }

    List<Document> documents(String split) {
        return content.get(split).stream().flatMap(List::stream).toList();
    }

    int[] stream(String split) {
        return documents(split).stream().flatMapToInt(d -> java.util.Arrays.stream(d.ids)).toArray();
    }
}
