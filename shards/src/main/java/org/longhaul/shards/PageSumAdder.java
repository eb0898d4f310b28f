package org.longhaul.shards;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.LongConsumer;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/**
 * Gives a data set that was made before there were checksums of pages what it lacks: a sum file beside each token file, and a manifest that names
 * them. Token and document files, and with them the fingerprint, stay as they are, so that runs go on with it.
 */
public final class PageSumAdder {
    private static final String PART = ".part";

    private final Path folder;
    private final ShardManifest manifest;
    private final ShardVerifier verifier;

    private PageSumAdder(Path folder, ShardManifest manifest) {
        this.folder = folder;
        this.manifest = manifest;
        this.verifier = ShardVerifier.of(ShardPlace.folder(folder), manifest);
    }

    /** Opens the data set of a folder; throws UserError as {@link ShardSet#open} does. */
    public static PageSumAdder open(Path folder) {
        return new PageSumAdder(folder, ShardSet.open(folder, ReadChecks.NONE, damage -> {}).manifest());
    }

    /** Bytes of token ids that are to be read. */
    public long bytes() {
        return lacking().stream().mapToLong(shard -> shard.tokens().bytes()).sum();
    }

    /** How many shards lack their sums. */
    public int shards() {
        return lacking().size();
    }

    private List<ShardManifest.Shard> lacking() {
        return manifest.splits().values().stream().flatMap(split -> split.shards().stream()).filter(shard -> shard.pageSums() == null).toList();
    }

    /**
     * Makes the files and, last, the manifest. A killed run leaves a data set as it was, with files that the next one replaces.
     *
     * @param threads that read a shard
     * @param read told the number of bytes after each part of a file
     * @throws UserError (exit 2) when a token file is not what the manifest says: what is damaged is never summed; (exit 3) when the folder cannot be written
     */
    public void add(int threads, LongConsumer read) {
        SortedMap<String, ShardManifest.Split> splits = new TreeMap<>();
        for (var entry : manifest.splits().entrySet()) {
            ShardManifest.Split split = entry.getValue();
            List<ShardManifest.Shard> shards = new ArrayList<>();
            for (ShardManifest.Shard shard : split.shards()) {
                shards.add(shard.pageSums() == null ? summed(shard, threads, read) : shard);
            }
            splits.put(entry.getKey(), new ShardManifest.Split(split.total(), split.unigramEntropy(), split.sources(), split.languages(), shards));
        }
        ShardManifest complete = new ShardManifest(manifest.format(), ShardManifest.VERSION, "0".repeat(32), manifest.fingerprint(), manifest.tokenType(),
                manifest.vocabularySize(), manifest.beginOfDocument(), manifest.endOfDocument(), manifest.tokenizer(), splits, manifest.lineage());
        try {
            Path part = Files.write(folder.resolve(ShardManifest.FILE + PART), ManifestFile.toBytes(complete));
            move(part, folder.resolve(ShardManifest.FILE));
        } catch (IOException e) {
            throw unwritable(ShardManifest.FILE, e);
        }
    }

    private ShardManifest.Shard summed(ShardManifest.Shard shard, int threads, LongConsumer read) {
        verifier.verify(List.of(shard.tokens()), threads, read).forEach(fault -> {
            throw UserError.badInput(fault.what() + "; " + fault.mend());
        });
        String tokens = shard.tokens().name();
        String suffix = ShardWriter.tokensName("");
        String name = ShardWriter.pageSumsName(tokens.endsWith(suffix) ? tokens.substring(0, tokens.length() - suffix.length()) : tokens);
        try {
            // What the check above has just read is in the system's cache.
            ShardManifest.DataFile sums = write(new TokenShard(folder.resolve(tokens), manifest.tokenType()), name);
            return new ShardManifest.Shard(shard.total(), shard.sources(), shard.languages(), shard.tokens(), shard.documents(), sums);
        } catch (IOException e) {
            throw unwritable(name, e);
        }
    }

    private ShardManifest.DataFile write(TokenShard shard, String name) throws IOException {
        Path part = folder.resolve(name + PART);
        ChecksumOutput file = new ChecksumOutput(new BufferedOutputStream(Files.newOutputStream(part)), ShardManifest.DataFile.BLOCK_BYTES);
        try (file) {
            PageSumOutput sums = new PageSumOutput(file);
            shard.pages(sums::add);
            sums.finish();
        }
        ShardManifest.DataFile entry = file.finish(name);
        move(part, folder.resolve(name));
        return entry;
    }

    private static void move(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private UserError unwritable(String name, IOException e) {
        return UserError.environment(folder.resolve(name) + ": cannot be written: " + Reason.of(e)
                + "; free space there, or give this user the right to write in that folder", e);
    }
}
