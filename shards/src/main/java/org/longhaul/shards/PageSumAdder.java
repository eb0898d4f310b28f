package org.longhaul.shards;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.LongConsumer;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;
import org.longhaul.shards.ShardManifest.DataFile;
import org.longhaul.shards.ShardManifest.Shard;

/**
 * Gives a data set that was made before there were checksums of pages or of the tokenizer what it lacks: sum files beside token and document files, and
 * a manifest that names them. Token and document files, and with them the fingerprint, stay as they are, so that runs go on with it.
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

    /** Bytes that are to be read. */
    public long bytes() {
        return lacking().stream().mapToLong(shard -> files(shard).stream().mapToLong(DataFile::bytes).sum()).sum();
    }

    /** How many shards lack sums. */
    public int shards() {
        return lacking().size();
    }

    /** Whether the tokenizer's files lack theirs, and are there. */
    public boolean tokenizer() {
        ShardManifest.Tokenizer tokenizer = manifest.tokenizer();
        return tokenizer.files() == null && !tokenizer.file().isEmpty() && Files.exists(folder.resolve(tokenizer.file()));
    }

    private List<Shard> lacking() {
        return manifest.splits().values().stream().flatMap(split -> split.shards().stream()).filter(shard -> !files(shard).isEmpty()).toList();
    }

    // The files of a shard that lack sums.
    private static List<DataFile> files(Shard shard) {
        List<DataFile> files = new ArrayList<>();
        if (shard.pageSums() == null) {
            files.add(shard.tokens());
        }
        if (shard.documentSums() == null) {
            files.add(shard.documents());
        }
        return files;
    }

    /**
     * Makes the files and, last, the manifest. A killed run leaves a data set as it was, with files that the next one replaces.
     *
     * @param threads that read a shard
     * @param read told the number of bytes after each part of a file
     * @param fingerprint of the tokenizer in a file, which says whether that file is the one
     * @throws UserError (exit 2) when a file is not what the manifest says: what is damaged is never summed; (exit 3) when the folder cannot be written
     */
    public void add(int threads, LongConsumer read, Function<Path, String> fingerprint) {
        ShardManifest.Tokenizer tokenizer = tokenizer() ? summed(manifest.tokenizer(), fingerprint) : manifest.tokenizer();
        SortedMap<String, ShardManifest.Split> splits = new TreeMap<>();
        for (var entry : manifest.splits().entrySet()) {
            ShardManifest.Split split = entry.getValue();
            List<Shard> shards = new ArrayList<>();
            for (Shard shard : split.shards()) {
                shards.add(files(shard).isEmpty() ? shard : summed(shard, threads, read));
            }
            splits.put(entry.getKey(), new ShardManifest.Split(split.total(), split.unigramEntropy(), split.sources(), split.languages(), shards));
        }
        ShardManifest complete = new ShardManifest(manifest.format(), ShardManifest.VERSION, "0".repeat(32), manifest.fingerprint(), manifest.tokenType(),
                manifest.vocabularySize(), manifest.beginOfDocument(), manifest.endOfDocument(), tokenizer, splits, manifest.lineage());
        try {
            Path part = Files.write(folder.resolve(ShardManifest.FILE + PART), ManifestFile.toBytes(complete));
            move(part, folder.resolve(ShardManifest.FILE));
        } catch (IOException e) {
            throw unwritable(ShardManifest.FILE, e);
        }
    }

    private ShardManifest.Tokenizer summed(ShardManifest.Tokenizer tokenizer, Function<Path, String> fingerprint) {
        Path file = folder.resolve(tokenizer.file());
        String found = fingerprint.apply(file);
        if (!found.equals(tokenizer.fingerprint())) {
            throw UserError.badInput(file + ": is a tokenizer with the fingerprint " + found + ", the manifest says " + tokenizer.fingerprint()
                    + ": the file is damaged or another data set's; copy it again");
        }
        List<DataFile> files = new ArrayList<>();
        for (String name : List.of(tokenizer.file(), ShardManifest.Tokenizer.SETTINGS)) {
            try {
                if (Files.exists(folder.resolve(name))) {
                    files.add(DataFile.of(name, Files.readAllBytes(folder.resolve(name))));
                }
            } catch (IOException e) {
                throw UserError.badInput(folder.resolve(name) + ": cannot be read: " + Reason.of(e), e);
            }
        }
        return new ShardManifest.Tokenizer(tokenizer.fingerprint(), tokenizer.file(), files);
    }

    private Shard summed(Shard shard, int threads, LongConsumer read) {
        verifier.verify(files(shard), threads, read).forEach(fault -> {
            throw UserError.badInput(fault.what() + "; " + fault.mend());
        });
        String tokens = shard.tokens().name();
        String suffix = ShardWriter.tokensName("");
        String name = tokens.endsWith(suffix) ? tokens.substring(0, tokens.length() - suffix.length()) : tokens;
        // What the check above has just read is in the system's cache.
        DataFile ids = shard.pageSums() != null ? shard.pageSums()
                : write(ShardWriter.pageSumsName(name), sums -> new TokenShard(folder.resolve(tokens), manifest.tokenType()).pages(sums::add));
        DataFile documents = shard.documentSums() != null ? shard.documentSums()
                : write(ShardWriter.documentSumsName(name), sums -> pages(folder.resolve(shard.documents().name()), sums));
        return new Shard(shard.total(), shard.sources(), shard.languages(), shard.tokens(), shard.documents(), ids, documents);
    }

    private static void pages(Path file, PageSumOutput sums) throws IOException {
        byte[] page = new byte[Shard.PAGE_BYTES];
        try (InputStream in = Files.newInputStream(file)) {
            for (int n = in.readNBytes(page, 0, page.length); n > 0; n = in.readNBytes(page, 0, page.length)) {
                sums.add(page, n);
            }
        }
    }

    /** Brings the sums of a file. */
    private interface Source {
        void into(PageSumOutput sums) throws IOException;
    }

    private DataFile write(String name, Source source) {
        try {
            Path part = folder.resolve(name + PART);
            ChecksumOutput file = new ChecksumOutput(new BufferedOutputStream(Files.newOutputStream(part)), DataFile.BLOCK_BYTES);
            try (file) {
                PageSumOutput sums = new PageSumOutput(file);
                source.into(sums);
                sums.finish();
            }
            DataFile entry = file.finish(name);
            move(part, folder.resolve(name));
            return entry;
        } catch (IOException e) {
            throw unwritable(name, e);
        }
    }

    private static void move(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private UserError unwritable(String name, IOException e) {
        return UserError.environment(folder.resolve(name) + ": cannot be written: " + Reason.of(e)
                + "; free space there, or give this user the right to write in that folder", e);
    }
}
