package org.longhaul.shards;

import com.dynatrace.hash4j.hashing.HashStream128;
import com.dynatrace.hash4j.hashing.HashStream64;
import com.dynatrace.hash4j.hashing.Hashing;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.longhaul.error.UserError;

/** A data set of token shards in a local folder, described by {@code manifest.json}. */
public final class ShardSet {
    private final Path folder;
    private final ShardManifest manifest;
    private final Map<String, TokenSplit> splits = new LinkedHashMap<>();

    private ShardSet(Path folder, ShardManifest manifest) {
        this.folder = folder;
        this.manifest = manifest;
        manifest.splits().forEach((name, split) -> splits.put(name, map(name, split)));
    }

    /**
     * Opens a data set: checks the manifest's own checksum, that every file is there with the right size, and that the
     * files hold as many tokens and documents as the manifest says. Contents are checked by {@link #verify()}.
     *
     * @throws UserError (exit status 2) naming the file that is missing, cut or damaged
     */
    public static ShardSet open(Path folder) {
        Path file = folder.resolve(ShardManifest.FILE);
        try {
            return new ShardSet(folder, ManifestFile.parse(Files.readAllBytes(file), file.toString()));
        } catch (NoSuchFileException e) {
            throw UserError.badInput(folder + (Files.isDirectory(folder)
                    ? ": no manifest.json: not a finished data set (run `longhaul data run` again to complete it)"
                    : ": no such folder"), e);
        } catch (IOException e) {
            throw UserError.badInput(file + ": cannot be read: " + e.getMessage(), e);
        }
    }

    private TokenSplit map(String name, ShardManifest.Split split) {
        List<TokenShard> shards = new ArrayList<>();
        List<DocumentTable> tables = new ArrayList<>();
        for (ShardManifest.Shard shard : split.shards()) {
            TokenShard tokens = new TokenShard(sized(shard.tokens()), manifest.tokenType());
            DocumentTable table = new DocumentTable(sized(shard.documents()));
            agree(shard.tokens(), "tokens", tokens.tokens(), shard.total().tokens());
            agree(shard.documents(), "documents", table.documents(), shard.total().documents());
            shards.add(tokens);
            tables.add(table);
        }
        return new TokenSplit(name, split, manifest.vocabularySize(), shards, tables);
    }

    private Path sized(ShardManifest.DataFile file) {
        Path path = folder.resolve(file.name());
        try {
            long size = Files.size(path);
            if (size != file.bytes()) {
                throw UserError.badInput(path + ": has " + size + " bytes, the manifest says " + file.bytes() + "; copy the file again");
            }
            return path;
        } catch (NoSuchFileException e) {
            throw UserError.badInput(path + ": file is missing; copy it again", e);
        } catch (IOException e) {
            throw UserError.badInput(path + ": cannot be read: " + e.getMessage(), e);
        }
    }

    private void agree(ShardManifest.DataFile file, String what, long found, long expected) {
        if (found != expected) {
            throw UserError.badInput(folder.resolve(file.name()) + ": holds " + found + " " + what + ", the manifest says " + expected);
        }
    }

    /** Reads every file and compares checksums; throws for the first damage found. */
    public void verify() {
        List<String> damage = damage();
        if (!damage.isEmpty()) {
            throw UserError.badInput(damage.get(0) + (damage.size() == 1 ? "" : " (and " + (damage.size() - 1) + " more damaged places)"));
        }
    }

    /** Reads every file and answers one line for every damaged block: file and byte range. Empty when all is well. */
    public List<String> damage() {
        List<String> found = new ArrayList<>();
        manifest.splits().values().forEach(split -> split.shards().forEach(shard -> {
            check(shard.tokens(), found);
            check(shard.documents(), found);
        }));
        return found;
    }

    private void check(ShardManifest.DataFile file, List<String> found) {
        Path path = folder.resolve(file.name());
        HashStream128 whole = Hashing.xxh3_128().hashStream();
        byte[] buffer = new byte[ShardManifest.DataFile.BLOCK_BYTES];
        int before = found.size();
        long position = 0;
        try (InputStream in = Files.newInputStream(path)) {
            for (int block = 0; ; block++) {
                int n = in.readNBytes(buffer, 0, buffer.length);
                if (n == 0) {
                    break;
                }
                whole.putBytes(buffer, 0, n);
                HashStream64 hash = Hashing.xxh3_64().hashStream().putBytes(buffer, 0, n);
                if (block >= file.blocks().size() || !String.format("%016x", hash.getAsLong()).equals(file.blocks().get(block))) {
                    found.add(path + ": checksum does not match in bytes " + position + "–" + (position + n - 1) + "; copy the file again");
                }
                position += n;
            }
        } catch (IOException e) {
            found.add(path + ": cannot be read at byte " + position + ": " + e.getMessage());
            return;
        }
        if (found.size() == before && (position != file.bytes() || !Hex.of(whole.get()).equals(file.xxh3()))) {
            found.add(path + ": " + position + " bytes do not match the manifest's checksum of " + file.bytes() + " bytes; copy the file again");
        }
    }

    /** Where the data set lies. */
    public Path folder() {
        return folder;
    }

    /** What the manifest says. */
    public ShardManifest manifest() {
        return manifest;
    }

    /** Fingerprint of the content: tokens, documents, vocabulary and tokenizer; not of the place. */
    public String fingerprint() {
        return manifest.fingerprint();
    }

    /**
     * A split by name: {@code train} or {@code validation}.
     *
     * @throws UserError when the data set has no such split
     */
    public TokenSplit split(String name) {
        TokenSplit split = splits.get(name);
        if (split == null) {
            throw UserError.badInput(folder + ": no split named " + name + "; there are " + splits.keySet());
        }
        return split;
    }
}
