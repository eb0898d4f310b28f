package org.longhaul.shards;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/** A data set of token shards in a local folder, described by {@code manifest.json}. */
public final class ShardSet {
    private final Path folder;
    private final ShardManifest manifest;
    private final ReadChecks checks;
    private final Consumer<String> told;
    private final Map<String, TokenSplit> splits = new LinkedHashMap<>();

    private ShardSet(Path folder, ShardManifest manifest, ReadChecks checks, Consumer<String> told) {
        this.folder = folder;
        this.checks = checks;
        this.told = checks == ReadChecks.WARN ? told : null;
        this.manifest = manifest;
        manifest.splits().forEach((name, split) -> splits.put(name, map(name, split)));
    }

    /**
     * Opens a data set: checks the manifest's own checksum, that every file is there with the right size, and that the
     * files hold as many tokens and documents as the manifest says. Ids are held against their checksums as they are read, where the data set
     * has checksums of pages; all contents are checked by {@link #verify()}.
     *
     * @throws UserError (exit status 2) naming the file that is missing, cut or damaged
     */
    public static ShardSet open(Path folder) {
        return open(folder, ReadChecks.END, damage -> {});
    }

    /**
     * The same.
     *
     * @param checks what happens when ids do not match their checksums as they are read
     * @param told of damage where {@code checks} is {@link ReadChecks#WARN}: one line each
     */
    public static ShardSet open(Path folder, ReadChecks checks, Consumer<String> told) {
        Path file = folder.resolve(ShardManifest.FILE);
        try {
            return new ShardSet(folder, ManifestFile.parse(Files.readAllBytes(file), file.toString()), checks, told);
        } catch (NoSuchFileException e) {
            throw UserError.badInput(folder + (Files.isDirectory(folder)
                    ? ": no manifest.json: not a finished data set (run `longhaul data run` again to complete it)"
                    : ": no such folder"), e);
        } catch (IOException e) {
            throw UserError.badInput(file + ": cannot be read: " + Reason.of(e), e);
        }
    }

    private record Mapped(TokenShard tokens, DocumentTable documents) {}

    private TokenSplit map(String name, ShardManifest.Split split) {
        // Each waits for a few pages of its disk: thousands of shards wait side by side.
        List<Mapped> shards = split.shards().parallelStream().map(this::map).toList();
        return new TokenSplit(name, split, manifest.vocabularySize(), shards.stream().map(Mapped::tokens).toList(),
                shards.stream().map(Mapped::documents).toList());
    }

    private Mapped map(ShardManifest.Shard shard) {
        PageSums sums = checks == ReadChecks.NONE || shard.pageSums() == null ? null
                : new PageSums(sized(shard.pageSums()), shard.pageSums(), TokenShard.pages(manifest.tokenType(), shard.total().tokens()));
        PageGuard guard = checks == ReadChecks.NONE || shard.documentSums() == null ? null
                : new PageGuard(new PageSums(sized(shard.documentSums()), shard.documentSums(), PageGuard.pages(shard.documents().bytes())),
                        shard.documents().bytes(), new DamageReport(told));
        TokenShard tokens = new TokenShard(sized(shard.tokens()), manifest.tokenType(), sums, new DamageReport(told));
        DocumentTable table = new DocumentTable(sized(shard.documents()), guard);
        agree(shard.tokens(), "tokens", tokens.tokens(), shard.total().tokens());
        agree(shard.documents(), "documents", table.documents(), shard.total().documents());
        table.requireTiles(tokens.tokens());
        return new Mapped(tokens, table);
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
            throw UserError.badInput(path + ": cannot be read: " + Reason.of(e), e);
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
            throw UserError.badInput(damage.get(0) + (damage.size() == 1 ? "" : " (and " + (damage.size() - 1) + " more damaged files)"));
        }
    }

    /** Reads every file and answers one line for every damaged one: file, byte ranges, what was found. Empty when all is well. */
    public List<String> damage() {
        return ShardVerifier.of(ShardPlace.folder(folder), manifest).verify(ShardVerifier.threads(), bytes -> {}).stream()
                .map(fault -> fault.what() + "; " + fault.mend()).toList();
    }

    /** Whether every shard has the checksums that reading needs to check ids; data sets made before there were any have none. */
    public boolean hasPageSums() {
        return all(shard -> shard.pageSums() != null);
    }

    /** Whether every shard has those that it needs to check where documents begin and whence they are. */
    public boolean hasDocumentSums() {
        return all(shard -> shard.documentSums() != null);
    }

    private boolean all(Predicate<ShardManifest.Shard> has) {
        return manifest.splits().values().stream().flatMap(split -> split.shards().stream()).allMatch(has);
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
