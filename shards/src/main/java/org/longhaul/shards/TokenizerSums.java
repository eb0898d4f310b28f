package org.longhaul.shards;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.longhaul.error.Reason;
import org.longhaul.error.UserError;

/** Holds the tokenizer's files beside a manifest against it. */
public final class TokenizerSums {
    private TokenizerSums() {}

    /**
     * Checks the files of a tokenizer that is about to be read. One that lies in no data set's folder passes.
     *
     * @param file its {@code tokenizer.json}
     * @return a line for people where the data set has no checksums of it
     * @throws UserError (exit 2) naming the file that is not the manifest's
     */
    public static Optional<String> require(Path file) {
        Path folder = file.toAbsolutePath().getParent();
        Path manifest = folder.resolve(ShardManifest.FILE);
        if (!Files.isRegularFile(manifest)) {
            return Optional.empty();
        }
        ShardManifest.Tokenizer tokenizer = parse(manifest).tokenizer();
        if (!tokenizer.file().equals(file.getFileName().toString())) {
            return Optional.empty();
        }
        if (tokenizer.files() == null) {
            return Optional.of(file + ": not held against a checksum: the data set was made before there were any of its tokenizer (longhaul data add-sums makes them)");
        }
        tokenizer.files().forEach(entry -> require(folder, entry));
        return Optional.empty();
    }

    private static ShardManifest parse(Path manifest) {
        try {
            return ManifestFile.parse(Files.readAllBytes(manifest), manifest.toString());
        } catch (IOException e) {
            throw UserError.badInput(manifest + ": cannot be read: " + Reason.of(e), e);
        }
    }

    private static void require(Path folder, ShardManifest.DataFile entry) {
        Path file = folder.resolve(entry.name());
        try {
            byte[] bytes = Files.readAllBytes(file);
            String found = Hex.xxh3(bytes);
            if (!found.equals(entry.xxh3())) {
                throw UserError.badInput(file + ": has the checksum " + found + ", the manifest says " + entry.xxh3()
                        + ": the file is damaged or another data set's; copy it again");
            }
        } catch (IOException e) {
            throw UserError.badInput(file + ": cannot be read: " + Reason.of(e) + "; copy the file again", e);
        }
    }
}
