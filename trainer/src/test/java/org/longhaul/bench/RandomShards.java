package org.longhaul.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.TreeMap;
import org.longhaul.shards.ManifestFile;
import org.longhaul.shards.ShardManifest;
import org.longhaul.shards.ShardWriter;

/** Writes a data set of made-up tokens, in which the next one often follows from the last: {@code FOLDER VOCABULARY TOKENS}. */
public final class RandomShards {
    private static final int DOCUMENT = 1000;

    private RandomShards() {}

    public static void main(String[] arguments) throws IOException {
        write(Path.of(arguments[0]), Integer.parseInt(arguments[1]), Integer.parseInt(arguments[2]));
    }

    private static void write(Path folder, int vocabulary, int tokens) throws IOException {
        Files.createDirectories(folder);
        Map<String, List<ShardManifest.Shard>> shards = new LinkedHashMap<>();
        Map<String, Double> entropy = new TreeMap<>();
        for (String split : List.of("train", "validation")) {
            Random random = new Random(split.hashCode());
            ShardWriter writer = new ShardWriter(name -> Files.newOutputStream(folder.resolve(name)), split + "-00000", vocabulary);
            int documents = Math.max(1, (split.equals("train") ? tokens : tokens / 20) / DOCUMENT);
            for (int d = 0; d < documents; d++) {
                int[] ids = new int[DOCUMENT];
                for (int i = 1; i < DOCUMENT - 1; i++) {
                    ids[i] = random.nextInt(4) == 0 ? 1 + random.nextInt(vocabulary - 1) : (int) ((31L * ids[i - 1] + 7) % (vocabulary - 1)) + 1;
                }
                writer.add(d, d + 1, "made up", "none", 4L * DOCUMENT, ids, ids.length);
            }
            ShardWriter.Result result = writer.finish();
            shards.put(split, List.of(result.shard()));
            entropy.put(split, ShardManifest.entropy(result.tokenCounts()));
        }
        ShardManifest manifest = ShardManifest.of(vocabulary, OptionalInt.empty(), 0, ShardManifest.Tokenizer.nowhere("none"), shards, entropy,
                new ShardManifest.Lineage("none", List.of(new ShardManifest.Input("made up", "none", 0)), new TreeMap<>()));
        Files.write(folder.resolve(ShardManifest.FILE), ManifestFile.toBytes(manifest));
    }
}
