package org.longhaul.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.longhaul.shards.ManifestFile;
import org.longhaul.shards.ShardManifest;
import org.longhaul.shards.ShardSet;
import org.longhaul.shards.ShardWriter;
import org.longhaul.shards.TokenSplit;

/**
 * A smaller data set: the first documents of the training split (the pipeline has shuffled them) up to a number of tokens, the
 * validation split whole. Arguments: FROM TO TOKENS.
 */
public final class ShardCut {
    private ShardCut() {}

    /** See the class. */
    public static void main(String[] arguments) throws IOException {
        Path from = Path.of(arguments[0]);
        Path to = Files.createDirectories(Path.of(arguments[1]));
        long tokens = Long.parseLong(arguments[2]);
        ShardSet set = ShardSet.open(from);
        ShardManifest manifest = set.manifest();
        Map<String, List<ShardManifest.Shard>> shards = new LinkedHashMap<>();
        Map<String, Double> entropy = new TreeMap<>();
        for (String name : manifest.splits().keySet()) {
            TokenSplit split = set.split(name);
            ShardWriter writer = new ShardWriter(n -> Files.newOutputStream(to.resolve(n)), name + "-00000", manifest.vocabularySize());
            long written = 0;
            for (long d = 0; d < split.documents() && (written < tokens || !name.equals("train")); d++) {
                int[] ids = new int[Math.toIntExact(split.documentLength(d))];
                split.read(split.documentStart(d), ids, 0, ids.length);
                String id = split.documentId(d);
                writer.add(Long.parseUnsignedLong(id.substring(0, 16), 16), Long.parseUnsignedLong(id.substring(16), 16), split.documentSource(d),
                        split.documentLanguage(d), split.documentBytes(d), ids, ids.length);
                written += ids.length;
            }
            ShardWriter.Result result = writer.finish();
            shards.put(name, List.of(result.shard()));
            entropy.put(name, ShardManifest.entropy(result.tokenCounts()));
            System.out.println(name + ": " + written + " of " + split.tokens() + " tokens");
        }
        Files.write(to.resolve(ShardManifest.FILE), ManifestFile.toBytes(ShardManifest.of(
                manifest.vocabularySize(),
                manifest.beginOfDocument() == null ? OptionalInt.empty() : OptionalInt.of(manifest.beginOfDocument()), manifest.endOfDocument(), manifest.tokenizer(), shards, entropy, manifest.lineage())));
        for (String file : List.of("tokenizer.json", "tokenizer_config.json")) {
            if (Files.exists(from.resolve(file))) {
                Files.copy(from.resolve(file), to.resolve(file), StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }
}
